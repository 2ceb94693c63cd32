"""Submitting detections: what is sent, what is accepted as an answer, and what is never sent twice."""

from __future__ import annotations

import json
import socket
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.errors import (
    AccountingError,
    CredentialsError,
    DailyLimitError,
    RequestRefusedError,
    UnknownOutcomeError,
    UnreachableError,
    UnreadableAnswerError,
)
from ci_operators.recorded_future.api import Submission, check, explain, submit, submit_named
from ci_operators.transport.client import ATTEMPTS, Client
from simulator import Limits, Simulator, serve
from simulator.settings import FOREIGN_ORGANIZATION, SUB_ORGANIZATION
from tests.noting_session import NotingSession
from tests.psengine_models import is_accepted_by_psengine
from tests.vendor_cases import DETECTION, LIVE
from tests.virtual_time import VirtualTime

VENDOR = "recorded_future"


@pytest.fixture
def client(vendors: Simulator, session: NotingSession, virtual_time: VirtualTime) -> Client:
    """Return a client with a token that can submit."""
    return LIVE.connect(vendors.url, session, virtual_time)


def submission(*, debug: bool = False, organization_ids: tuple[str, ...] = (), count: int = 1) -> Submission:
    return Submission([DETECTION] * count, Counter(ip=count), debug=debug, organization_ids=organization_ids)


def body_of(result: Any, debug: bool = False) -> dict[str, Any]:
    return {"result": {"status": "OK", "debug": debug, **result}}


@pytest.mark.parametrize("debug", [True, False])
def test_the_body_says_everything_explicitly(debug: bool) -> None:
    body = json.loads(submission(debug=debug, count=2).encode())
    assert body == {"options": {"debug": debug, "summary": True}, "data": [json.loads(DETECTION)] * 2}
    assert all(is_accepted_by_psengine(json.dumps(entry).encode()) for entry in body["data"])


def test_organizations_are_named_if_there_are_any() -> None:
    body = json.loads(submission(organization_ids=("uhash:a", "uhash:b")).encode())
    assert body["organization_ids"] == ["uhash:a", "uhash:b"]
    assert "organization_ids" not in json.loads(submission().encode())


def test_detections_are_in_the_body_byte_for_byte() -> None:
    odd = DETECTION.replace(b'"Okta"', b'"Okt\\u0061 \xc3\xa9"')
    assert odd in Submission([odd], Counter(ip=1), debug=True).encode()


def test_a_live_submission_is_stored(client: Client, vendors: Simulator) -> None:
    assert submit(client, submission(count=3, organization_ids=(SUB_ORGANIZATION,))) == {"ip": 3}
    assert [stored.entry for stored in vendors.detections] == [json.loads(DETECTION)] * 3
    assert {stored.organizations for stored in vendors.detections} == {(SUB_ORGANIZATION,)}


def test_a_dry_run_is_checked_and_not_stored(client: Client, vendors: Simulator) -> None:
    assert submit(client, submission(debug=True)) == {"ip": 1}
    assert vendors.detections == []


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("kind", ["status", "store_then_status"])
def test_a_live_submission_with_a_server_error_is_sent_once(
    kind: str, status: int, client: Client, vendors: Simulator, session: NotingSession
) -> None:
    vendors.add_fault(VENDOR, kind, status=status)
    with pytest.raises(UnknownOutcomeError, match=f"answered {status}.* may have been stored"):
        submit(client, submission())
    assert len(session.sent) == 1
    assert len(vendors.detections) == (1 if kind == "store_then_status" else 0)


@pytest.mark.parametrize("kind", ["drop_connection", "store_then_drop"])
def test_a_live_submission_with_a_dropped_connection_is_sent_once(
    kind: str, client: Client, vendors: Simulator, session: NotingSession
) -> None:
    vendors.add_fault(VENDOR, kind)
    with pytest.raises(UnknownOutcomeError, match="was lost"):
        submit(client, submission())
    assert len(session.sent) == 1


def test_a_live_submission_without_an_answer_in_time_is_sent_once(
    client: Client, vendors: Simulator, session: NotingSession
) -> None:
    vendors.add_fault(VENDOR, "slow", seconds=30.0)
    client.timeout_s = (5.0, 0.1)
    with pytest.raises(UnknownOutcomeError, match="did not answer in"):
        submit(client, submission())
    assert len(session.sent) == 1


@pytest.mark.parametrize("kind", ["truncated_json", "html_200", "empty_body"])
def test_a_live_submission_with_an_unreadable_answer_was_probably_stored(
    kind: str, client: Client, vendors: Simulator, session: NotingSession
) -> None:
    vendors.add_fault(VENDOR, kind)
    with pytest.raises(UnknownOutcomeError, match="probably stored"):
        submit(client, submission())
    assert len(session.sent) == 1


@pytest.mark.parametrize("status", [201, 202, 204])
@pytest.mark.parametrize("kind", ["status", "store_then_status"])
def test_a_live_submission_with_another_success_than_200_may_have_been_stored(
    kind: str, status: int, client: Client, vendors: Simulator, session: NotingSession
) -> None:
    vendors.add_fault(VENDOR, kind, status=status)
    with pytest.raises(UnknownOutcomeError, match=f"answered {status}.* 200 was expected: .* may have been stored"):
        submit(client, submission())
    assert len(session.sent) == 1


def test_a_live_submission_with_an_answer_too_long_to_be_read_may_have_been_stored(
    client: Client, vendors: Simulator, session: NotingSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ci_operators.transport.body.LONGEST_BYTES", 10)
    with pytest.raises(UnknownOutcomeError, match=r"rest was not read\. The detections may have been stored\.$"):
        submit(client, submission())
    assert len(session.sent) == len(vendors.detections) == 1


def test_a_dry_run_with_another_success_than_200_is_refused(client: Client, vendors: Simulator) -> None:
    """It stores nothing with any answer."""
    vendors.add_fault(VENDOR, "status", status=202)
    with pytest.raises(RequestRefusedError, match="answered 202"):
        submit(client, submission(debug=True))


NAMES = {"aa": "ip", "bb": "ip", "cc": "hash"}


def named() -> Submission:
    return Submission([DETECTION] * 3, Counter(ip=2, hash=1), debug=False, names=NAMES)


@pytest.mark.parametrize(
    ("processed", "more", "dropped"),
    [
        ({"ip": 2, "hash": 1}, {}, set()),
        ({"ip": 2, "hash": 1}, {"transient_ids": ["aa", "bb", "cc"]}, set()),
        ({"ip": 1, "hash": 1}, {"dropped": ["bb"]}, {"bb"}),
        ({"ip": 2, "hash": 1}, {"dropped": ["bb"]}, {"bb"}),
        ({"ip": 1}, {"dropped": {"bb": {"why": "old"}, "cc": None}}, {"bb", "cc"}),
        ({}, {"a": [{"b": [{"transient_id": name}]} for name in NAMES]}, set(NAMES)),
        ({"ip": 1, "hash": 1}, {"dropped": ["bb", "of somebody else"]}, {"bb"}),
    ],
)
def test_detections_named_by_the_answer_are_dropped(
    processed: dict[str, int], more: dict[str, Any], dropped: set[str], client: Client, vendors: Simulator
) -> None:
    answer = body_of({"summary": {"processed": processed, **more}})
    vendors.add_fault(VENDOR, "status", status=200, body=answer)
    receipt = submit_named(client, named())
    assert (receipt.processed, set(receipt.dropped)) == (processed, dropped)


@pytest.mark.parametrize(("processed", "more"), [({"ip": 1}, ["bb"]), ({"ip": 1, "hash": 1}, []), ({"ip": 3}, ["aa"])])
def test_names_that_do_not_explain_the_counts_are_an_accounting_error(
    processed: dict[str, int], more: list[str], client: Client, vendors: Simulator
) -> None:
    answer = body_of({"summary": {"processed": processed, "dropped": more}})
    vendors.add_fault(VENDOR, "status", status=200, body=answer)
    with pytest.raises(AccountingError):
        submit_named(client, named())


def test_a_live_submission_is_tried_again_where_nothing_was_sent(
    session: NotingSession, virtual_time: VirtualTime
) -> None:
    with socket.socket() as reserved:  # bound but not listening, so that no other process can listen there
        reserved.bind(("127.0.0.1", 0))
        client = LIVE.connect(f"http://127.0.0.1:{reserved.getsockname()[1]}", session, virtual_time)
        with pytest.raises(UnreachableError):
            submit(client, submission())
    assert len(session.sent) == ATTEMPTS


def test_a_live_submission_is_tried_again_after_a_429_which_stores_nothing(
    client: Client, vendors: Simulator, virtual_time: VirtualTime
) -> None:
    vendors.add_fault(VENDOR, "status", status=429, headers={"Retry-After": "4"})
    assert submit(client, submission()) == {"ip": 1}
    assert virtual_time.slept == [4.0]
    assert len(vendors.detections) == 1


def test_after_a_429_a_server_error_is_still_final(client: Client, vendors: Simulator, session: NotingSession) -> None:
    vendors.add_fault(VENDOR, "status", status=429)
    vendors.add_fault(VENDOR, "status", status=503)
    with pytest.raises(UnknownOutcomeError):
        submit(client, submission())
    assert len(session.sent) == 2


@pytest.mark.parametrize("kind", ["status", "drop_connection", "truncated_json", "html_200", "empty_body"])
def test_a_dry_run_is_tried_again_whatever_went_wrong(kind: str, client: Client, vendors: Simulator) -> None:
    vendors.add_fault(VENDOR, kind, count=2)
    assert submit(client, submission(debug=True)) == {"ip": 1}
    assert len(vendors.requests) == 3


@pytest.mark.parametrize("debug", [True, False])
def test_other_counts_than_sent_are_an_accounting_error(
    debug: bool, client: Client, vendors: Simulator, session: NotingSession
) -> None:
    vendors.add_fault(VENDOR, "wrong_counts")
    with pytest.raises(AccountingError, match="processed 2 ip, but 3 ip were sent"):
        submit(client, submission(debug=debug, count=3))
    assert len(session.sent) == 1


def test_an_unknown_type_in_the_counts_is_named(client: Client, vendors: Simulator) -> None:
    answer = body_of({"summary": {"processed": {"ip": 0, "email": 1}}})
    vendors.add_fault(VENDOR, "status", status=200, body=answer)
    with pytest.raises(AccountingError, match="processed 1 email, but 1 ip were sent"):
        submit(client, submission())


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ({"\0ip\x1b[2J\x85": 17}, "17 ip\ufffd[2J "),
        ({"k" * 5000: 1}, "1 " + "k" * 58),
        ({"email": 10**4000}, "1" + "0" * 59),
        ({"k" * 40 + LIVE.token: 1}, "1 " + "k" * 40 + "***"),
        ({f"kind{number:04}": 1 for number in range(2000)}, "1 kind0008 and 1991 more"),
    ],
    ids=["odd", "long", "huge", "token", "many"],
)
def test_a_type_in_an_answer_is_reported_clean_and_short(
    kinds: dict[str, int], said: str, client: Client, vendors: Simulator
) -> None:
    """Found by fuzzing: a NUL in a name."""
    answer = json.dumps(body_of({"summary": {"processed": {"ip": 2, **kinds}}}))
    vendors.add_fault(VENDOR, "status", status=200, body=answer)
    with pytest.raises(AccountingError) as caught:
        submit(client, submission())
    told = str(caught.value)
    assert told.startswith("Recorded Future processed 2 ip, ")
    assert told.endswith(f"{said}, but 1 ip were sent.")
    assert len(told) < 250


def test_an_empty_result_is_described_in_words(client: Client, vendors: Simulator) -> None:
    vendors.add_fault(VENDOR, "status", status=200, body=body_of({"summary": {"processed": {}}}))
    with pytest.raises(AccountingError, match="processed nothing"):
        submit(client, submission())


@pytest.mark.parametrize("debug", [True, False])
def test_another_debug_than_sent_is_an_accounting_error(debug: bool, client: Client, vendors: Simulator) -> None:
    answer = body_of({"summary": {"processed": {"ip": 1}}}, debug=not debug)
    vendors.add_fault(VENDOR, "status", status=200, body=answer)
    with pytest.raises(AccountingError, match=f"debug={not debug} to debug={debug}"):
        submit(client, submission(debug=debug))


@pytest.mark.parametrize(
    "answer", [{}, {"result": None}, body_of({}), body_of({"summary": {}}), body_of({"summary": {"processed": [1]}})]
)
def test_an_answer_without_counts_is_unreadable(answer: Any, client: Client, vendors: Simulator) -> None:
    vendors.add_fault(VENDOR, "status", status=200, body=answer, count=ATTEMPTS)
    with pytest.raises(UnreadableAnswerError):
        submit(client, submission(debug=True))


def test_a_refused_batch_carries_the_vendors_words(client: Client, vendors: Simulator) -> None:
    with pytest.raises(RequestRefusedError, match=r"400 \(data\[0\]\.ioc\.value: not a valid hash\)"):
        submit(client, Submission([DETECTION.replace(b'"ip"', b'"hash"')], Counter(hash=1), debug=False))
    assert vendors.detections == []


def test_a_batch_too_large_is_refused(session: NotingSession, virtual_time: VirtualTime) -> None:
    limits = Limits(recorded_future_max_body=100)
    with serve(Simulator(clock=virtual_time, scenario=False, limits=limits)) as vendors:
        client = LIVE.connect(vendors.url, session, virtual_time)
        with pytest.raises(RequestRefusedError, match="413"):
            submit(client, submission())


def test_the_daily_limit_differs_from_other_429s_and_is_not_awaited(
    session: NotingSession, virtual_time: VirtualTime
) -> None:
    limits = Limits(recorded_future_per_day=2)
    with serve(Simulator(clock=virtual_time, scenario=False, limits=limits)) as vendors:
        client = LIVE.connect(vendors.url, session, virtual_time)
        submit(client, submission(count=2))
        with pytest.raises(DailyLimitError, match="daily limit of 2"):
            submit(client, submission())
        assert len(vendors.detections) == 2
    assert len(session.sent) == 2
    assert virtual_time.slept == []


def test_an_organization_of_others_is_refused(client: Client) -> None:
    with pytest.raises(CredentialsError, match=r"403 .*not a member.*organization_ids"):
        submit(client, submission(organization_ids=(FOREIGN_ORGANIZATION,)))


def test_the_check_submits_nothing(client: Client, vendors: Simulator) -> None:
    assert "can submit" in check(client)
    (request,) = vendors.requests
    assert (request.debug, request.entries) == (True, 1)
    assert vendors.detections == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"message": "Invalid token"}, "Invalid token"),
        ({"error": {"message": "Bad entry"}}, "Bad entry"),
        ({"error": "text"}, ""),
        ({"error": None}, ""),
        ({"message": 7}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_errors_are_explained(error: Any, said: str) -> None:
    assert explain(json.dumps(error).encode()) == said


@given(st.binary())
def test_any_body_is_explained(body: bytes) -> None:
    assert isinstance(explain(body), str)
