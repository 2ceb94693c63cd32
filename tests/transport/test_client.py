"""The client's handling of every answer, for each of the three vendors, with a real server on loopback."""

from __future__ import annotations

import socket
import traceback
from pathlib import Path
from typing import Any

import pytest

from ci_operators import __version__
from ci_operators.core.errors import (
    CollectiveInsightsError,
    CredentialsError,
    RateLimitedError,
    RequestRefusedError,
    UnavailableError,
    UnreachableError,
    UnreadableAnswerError,
)
from ci_operators.transport.client import ATTEMPTS
from ci_operators.transport.pacing import MAX_WAIT_S
from simulator import Simulator
from tests.fuzz.answering import URL, Reply, open_session
from tests.noting_session import NotingSession
from tests.vendor_cases import DRY_RUN, OKTA, SENTINELONE, VendorCase
from tests.virtual_time import VirtualTime

pytestmark = pytest.mark.parametrize("case", [OKTA, SENTINELONE, DRY_RUN], ids=str)


def statuses(simulator: Simulator) -> list[int | None]:
    """Return the vendors' answers so far; None is a dropped connection."""
    return [entry.status for entry in simulator.requests]


def told(error: BaseException) -> str:
    """Return everything a log could show of an error."""
    return f"{error} {error!r} {''.join(traceback.format_exception(error))}"


def test_a_good_answer_takes_one_request_and_no_wait(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    case.ask(case.connect(vendors.url, session, virtual_time))
    assert statuses(vendors) == [200]
    assert virtual_time.slept == []


@pytest.mark.parametrize(
    ("status", "error", "word"),
    [
        (400, RequestRefusedError, "answered 400"),
        (401, CredentialsError, "unknown"),
        (403, CredentialsError, "403"),
        (404, RequestRefusedError, "answered 404"),
        (204, RequestRefusedError, "answered 204"),
    ],
)
def test_a_refusal_is_fatal_at_once(
    case: VendorCase,
    status: int,
    error: type[CollectiveInsightsError],
    word: str,
    vendors: Simulator,
    session: NotingSession,
    virtual_time: VirtualTime,
) -> None:
    vendors.add_fault(case.name, "status", status=status)
    vendors.add_fault(case.name, "status", status=503)
    with pytest.raises(error, match=word):
        case.ask(case.connect(vendors.url, session, virtual_time))
    assert statuses(vendors) == [status]


def test_a_wrong_token_is_reported_with_the_fix_and_not_shown(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    token = "0123456789abcdef0123456789abcdef"
    client = case.connect(vendors.url, session, virtual_time, token)
    with pytest.raises(CredentialsError, match=r"answered 401 .*(Create|Generate|Request)") as caught:
        case.ask(client)
    assert token not in told(caught.value)
    assert token not in repr(client)


def test_a_token_without_the_permission_is_reported_with_the_fix(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    with pytest.raises(CredentialsError, match=r"answered 403 .*(role|right)"):
        case.ask(case.connect(vendors.url, session, virtual_time, case.token_without_right))
    assert statuses(vendors) == [403]


@pytest.mark.parametrize("status", [302, 307])
def test_a_redirect_is_refused_and_not_followed(
    case: VendorCase, status: int, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    headers = {"Location": "https://login.example.net/sign-in?token=abc"}
    vendors.add_fault(case.name, "status", status=status, headers=headers)
    with pytest.raises(RequestRefusedError, match=r"a redirect to login\.example\.net: enter the final URL"):
        case.ask(case.connect(vendors.url, session, virtual_time))
    assert len(session.sent) == 1


def test_a_redirect_is_named_without_the_token(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    headers = {"Location": f"https://{case.token}@{case.token}.example.net/{case.token}"}
    vendors.add_fault(case.name, "status", status=302, headers=headers)
    with pytest.raises(RequestRefusedError, match=r"a redirect to \*\*\*\.example\.net: "):
        case.ask(case.connect(vendors.url, session, virtual_time))


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("x" * 70 + "{token}.example.net", "x" * 70 + "***.exampl"),
        ("{token}" + "y" * 200, "***" + "y" * 77),
        ("{half}\0{rest}.example.net", "***.example.net"),
        ("login\x1b7\x7f\xc2\x85.example.net", "login\ufffd7\ufffd\xc2 .example.net"),
    ],
    ids=["across the cut", "longer than the cut", "in two", "escapes"],
)
def test_a_redirects_host_is_clean_and_without_any_part_of_the_token(
    host: str, named: str, case: VendorCase, virtual_time: VirtualTime
) -> None:
    token = case.token * 3  # longer than the shown part of a host
    token = token[:32] if case is DRY_RUN else token
    place = f"https://{host.format(token=token, half=token[:9], rest=token[9:])}/"
    with (
        open_session(lambda _: Reply(302, headers={"Location": place})) as session,
        pytest.raises(RequestRefusedError) as caught,
    ):
        case.ask(case.connect(URL, session, virtual_time, token))
    assert f"a redirect to {named}: enter" in str(caught.value)


@pytest.mark.parametrize(("status", "place"), [(302, "\xff\xfe"), (307, "http://[::1"), (304, "//[")])
def test_an_invalid_location_is_an_error_of_the_tree(
    status: int, place: str, case: VendorCase, virtual_time: VirtualTime
) -> None:
    """Found by fuzzing: requests parses the target of a redirect even if redirects are disabled."""
    words = r"headers that cannot be read|a redirect to elsewhere"
    with (
        open_session(lambda _: Reply(status, headers={"Location": place})) as session,
        pytest.raises(CollectiveInsightsError, match=words),
    ):
        case.ask(case.connect(URL, session, virtual_time))


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_waited_out(
    case: VendorCase, status: int, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    vendors.add_fault(case.name, "status", status=status, count=ATTEMPTS - 1)
    case.ask(case.connect(vendors.url, session, virtual_time))
    assert statuses(vendors) == [status, status, status, 200]
    assert virtual_time.slept == [1.0, 2.0, 4.0]


def test_a_server_error_that_stays_is_retriable(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    vendors.add_fault(case.name, "status", status=503, count=ATTEMPTS)
    with pytest.raises(UnavailableError, match="answered 503"):
        case.ask(case.connect(vendors.url, session, virtual_time))
    assert len(session.sent) == ATTEMPTS


def test_a_server_error_with_retry_after_is_waited_for_as_asked(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    vendors.add_fault(case.name, "status", status=503, headers={"Retry-After": "17"})
    case.ask(case.connect(vendors.url, session, virtual_time))
    assert virtual_time.slept == [17.0]


def test_fatal_before_retriable_is_one_request(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    vendors.add_fault(case.name, "status", status=401)
    vendors.add_fault(case.name, "status", status=503)
    with pytest.raises(CredentialsError):
        case.ask(case.connect(vendors.url, session, virtual_time))
    assert statuses(vendors) == [401]


def test_retriable_before_fatal_is_two_requests(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    vendors.add_fault(case.name, "status", status=503)
    vendors.add_fault(case.name, "status", status=401)
    with pytest.raises(CredentialsError):
        case.ask(case.connect(vendors.url, session, virtual_time))
    assert statuses(vendors) == [503, 401]


def without_reset(seconds: str) -> dict[str, str]:
    """Return headers with Retry-After alone; an unreadable reset disables Okta's own header."""
    return {"Retry-After": seconds, "X-Rate-Limit-Reset": ""}


def test_a_short_wait_is_slept_as_asked(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    vendors.add_fault(case.name, "status", status=429, headers=without_reset("7"))
    case.ask(case.connect(vendors.url, session, virtual_time))
    assert statuses(vendors) == [429, 200]
    assert virtual_time.slept == [7.0]


@pytest.mark.parametrize(("asked", "waited"), [("61", 61.0), ("3600", 3600.0), ("1e99", 86400.0), ("inf", 86400.0)])
def test_a_long_wait_is_raised_at_once(
    case: VendorCase,
    asked: str,
    waited: float,
    vendors: Simulator,
    session: NotingSession,
    virtual_time: VirtualTime,
) -> None:
    vendors.add_fault(case.name, "status", status=429, headers=without_reset(asked))
    with pytest.raises(RateLimitedError, match="too many requests") as caught:
        case.ask(case.connect(vendors.url, session, virtual_time))
    assert caught.value.retry_after_s == waited > MAX_WAIT_S
    assert virtual_time.slept == []
    assert statuses(vendors) == [429]


@pytest.mark.parametrize("asked", ["soon", "nan", "Mon, 99 Foo 2026"])
def test_an_unreadable_wait_falls_back_to_the_vendors_habit(
    case: VendorCase, asked: str, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    vendors.add_fault(case.name, "status", status=429, headers=without_reset(asked))
    case.ask(case.connect(vendors.url, session, virtual_time))
    assert virtual_time.slept == [5.0 if case is SENTINELONE else 1.0]


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("truncated_json", "answered 200 with .* bytes that are not the expected JSON"),
        ("html_200", "answered 200 with an HTML page"),
        ("empty_body", "answered 200 with an empty body"),
    ],
)
def test_a_body_that_is_not_what_it_should_be_is_retriable(
    case: VendorCase, kind: str, sentence: str, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    if kind == "truncated_json":
        vendors.add_okta_event({"published": "2026-03-10T11:30:00.000Z", "eventType": "security.threat.detected"})
    vendors.add_fault(case.name, kind, count=ATTEMPTS)
    with pytest.raises(UnreadableAnswerError, match=sentence):
        case.ask(case.connect(vendors.url, session, virtual_time))


def test_a_slow_answer_is_unavailable(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    vendors.add_fault(case.name, "slow", seconds=30.0, count=ATTEMPTS)
    client = case.connect(vendors.url, session, virtual_time)
    client.timeout_s = (5.0, 0.1)
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:\d+ did not answer in 0\.1 s") as caught:
        case.ask(client)
    assert not isinstance(caught.value, UnreachableError)
    assert len(session.sent) == ATTEMPTS


def test_a_dropped_connection_is_tried_again(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    vendors.add_fault(case.name, "drop_connection")
    case.ask(case.connect(vendors.url, session, virtual_time))
    assert statuses(vendors) == [None, 200]


def test_a_connection_that_keeps_dropping_is_unavailable(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    vendors.add_fault(case.name, "drop_connection", count=ATTEMPTS)
    with pytest.raises(UnavailableError, match="was lost") as caught:
        case.ask(case.connect(vendors.url, session, virtual_time))
    assert not isinstance(caught.value, UnreachableError)


def test_a_refused_connection_is_unreachable(
    case: VendorCase, session: NotingSession, virtual_time: VirtualTime
) -> None:
    with socket.socket() as reserved:  # bound but not listening, so that no other process can listen there
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        with pytest.raises(UnreachableError, match="Check the URL"):
            case.ask(case.connect(url, session, virtual_time))
    assert len(session.sent) == ATTEMPTS


def test_a_server_without_tls_is_unavailable(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    url = vendors.url.replace("http://", "https://")
    with pytest.raises(UnavailableError, match="no trusted TLS connection"):
        case.ask(case.connect(url, session, virtual_time))
    assert statuses(vendors) == []


def test_error_texts_carry_the_vendors_words_but_never_the_token(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    words = f"the token {case.token} is not welcome"
    bodies: dict[str, Any] = {
        "okta": {"errorCode": "E0000011", "errorSummary": words, "errorId": "oae1"},
        "sentinelone": {"errors": [{"code": 4010010, "title": words, "detail": None}]},
        "recorded_future": {"message": words},
    }
    vendors.add_fault(case.name, "status", status=401, body=bodies[case.name])
    with pytest.raises(CredentialsError, match=r"the token \*\*\* is not welcome") as caught:
        case.ask(case.connect(vendors.url, session, virtual_time))
    assert case.token not in told(caught.value)


def test_a_vendors_words_cannot_add_log_lines(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    words = "not so\n2026-03-10 ERROR all is lost\r\x1b[2J\u2028\u202egnp"
    bodies: dict[str, Any] = {
        "okta": {"errorSummary": words},
        "sentinelone": {"errors": [{"title": words}]},
        "recorded_future": {"message": words},
    }
    vendors.add_fault(case.name, "status", status=404, body=bodies[case.name])
    with pytest.raises(RequestRefusedError, match="not so 2026-03-10 ERROR") as caught:
        case.ask(case.connect(vendors.url, session, virtual_time))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("body", ["", "no json", "[]", "null", "[" * 100_000, '{"errors": 1}', '{"message": 7}'])
def test_error_bodies_of_any_shape_do_not_get_in_the_way(
    case: VendorCase, body: str, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    vendors.add_fault(case.name, "status", status=404, body=body)
    with pytest.raises(RequestRefusedError, match=r"answered 404\."):
        case.ask(case.connect(vendors.url, session, virtual_time))


def test_netrc_does_not_replace_the_token(
    case: VendorCase,
    vendors: Simulator,
    session: NotingSession,
    virtual_time: VirtualTime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    case.ask(case.connect(vendors.url, session, virtual_time))
    sent = ("Authorization", "X-RFToken")
    assert [case.token in str([request.headers.get(name) for name in sent]) for request in session.sent] == [True]


def test_requests_name_the_client_and_the_content_type(
    case: VendorCase, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    case.ask(case.connect(vendors.url, session, virtual_time))
    headers = session.sent[0].headers
    assert headers["User-Agent"] == f"collective-insights-airflow/{__version__}"
    assert headers.get("X-RF-User-Agent") == (headers["User-Agent"] if case is DRY_RUN else None)
    assert headers["Accept"] == "application/json"
    assert headers.get("Content-Type") == ("application/json" if case is DRY_RUN else None)
