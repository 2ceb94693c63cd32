"""The simulated System Log is as strict as the reference."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.simulator.caller import Start

from simulator import Limits, ManualClock
from simulator.settings import OKTA_TOKEN, OKTA_TOKEN_WITHOUT_ROLE

THREAT = "security.threat.detected"


def event(number: int, published: str, **members: Any) -> dict[str, Any]:
    return {
        "uuid": f"event-{number}",
        "published": published,
        "eventType": THREAT,
        "actor": {"displayName": "203.0.113.9"},
        "outcome": {"reason": "Password Spray, Login Failures", "result": "DENY"},
        "debugContext": {"debugData": {"url": "/x", "threatSuspected": "true"}},
        **members,
    }


def ids(page: Any) -> list[str]:
    return [element["uuid"] for element in page.json()]


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        ("", 401, "E0000011"),
        (f"Bearer {OKTA_TOKEN}", 401, "E0000011"),
        (f"ssws {OKTA_TOKEN}", 401, "E0000011"),
        ("SSWS wrong", 401, "E0000011"),
        (f"SSWS {OKTA_TOKEN_WITHOUT_ROLE}", 403, "E0000006"),
    ],
)
def test_refuses_credentials(start: Start, authorization: str, status: int, code: str) -> None:
    _, caller = start()
    answer = caller.okta(authorization=authorization)
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)
    assert set(answer.json()) == {"errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"}
    assert "X-Rate-Limit-Reset" in answer.headers


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"since": "2026-03-04T10:00:00"}, "E0000001"),
        ({"until": "yesterday"}, "E0000001"),
        ({"since": "2026-03-04"}, "E0000001"),
        ({"since": "2026-03-04T10:00:00 00:00"}, "E0000001"),
        ({"since": "2026-03-04T12:00:01Z"}, "E0000001"),
        ({"since": "2026-03-04T11:00:00Z", "until": "2026-03-04T11:00:00Z"}, "E0000001"),
        ({"since": "2026-03-04T11:00:00Z", "until": "2026-03-04T10:00:00Z"}, "E0000001"),
        ({"since": "2025-09-01T00:00:00Z"}, "E0000053"),
        ({"limit": "1001"}, "E0000001"),
        ({"limit": "-1"}, "E0000001"),
        ({"limit": "ten"}, "E0000001"),
        ({"sortOrder": "UP"}, "E0000001"),
        ({"after": "made-up"}, "E0000001"),
        ({"sortOrder": "DESCENDING"}, "E0000001"),
        ({"q": "spray"}, "E0000001"),
        ({"filter": 'published gt "2026-03-04T10:00:00Z"'}, "E0000053"),
        ({"filter": 'EventType eq "x"'}, "E0000053"),
        ({"filter": "eventType eq bare"}, "E0000053"),
        ({"filter": 'eventType eq "x" and severity eq "y"'}, "E0000053"),
        ({"filter": 'uuid eq "x" or uuid eq "y"'}, "E0000053"),
    ],
)
def test_refuses_parameters(start: Start, params: dict[str, str], code: str) -> None:
    _, caller = start()
    answer = caller.okta(**params)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)


def test_names_the_date_it_cannot_read(start: Start) -> None:
    _, caller = start()
    summary = caller.okta(until="soon").json()["errorSummary"]
    assert "'until': must be a valid date-time or empty" in summary


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('eventType eq "security.threat.detected"', ["event-1"]),
        ('uuid eq "event-2"', ["event-2"]),
        ("", ["event-1", "event-2"]),
    ],
)
def test_filters(start: Start, expression: str, expected: list[str]) -> None:
    other = event(2, "2026-03-04T10:00:01.000Z", eventType="user.session.start")
    _, caller = start(okta_events=[event(1, "2026-03-04T10:00:00.000Z"), other])
    assert ids(caller.okta(since="2026-03-04T09:00:00Z", filter=expression)) == expected


def test_bounded_requests_are_half_open_and_end(start: Start) -> None:
    stamps = ["09:59:59.999", "10:00:00.000", "10:30:00.000", "10:59:59.999", "11:00:00.000"]
    events = [event(n, f"2026-03-04T{stamp}Z") for n, stamp in enumerate(stamps)]
    _, caller = start(okta_events=reversed(events))
    pages = caller.okta_pages(since="2026-03-04T10:00:00Z", until="2026-03-04T11:00:00Z", limit=2)
    assert [ids(page) for page in pages] == [["event-1", "event-2"], ["event-3"]]
    assert "next" not in pages[-1].links


def test_events_of_one_instant_are_neither_lost_nor_repeated(start: Start) -> None:
    events = [event(n, "2026-03-04T10:00:00.000Z") for n in range(7)]
    _, caller = start(okta_events=events)
    for until in ("2026-03-04T11:00:00Z", ""):
        pages = caller.okta_pages(since="2026-03-04T09:00:00Z", limit=3, until=until)
        assert [name for page in pages for name in ids(page)] == [f"event-{n}" for n in range(7)]
        assert "next" not in pages[-1].links


def test_late_events_show_only_once_stored(start: Start, clock: ManualClock) -> None:
    simulator, caller = start()
    simulator.add_okta_event(event(1, "2026-03-04T11:59:00.000Z"), persisted_at=clock() + timedelta(minutes=3))
    window = {"since": "2026-03-04T11:30:00Z", "until": "2026-03-04T12:00:00Z"}
    assert ids(caller.okta(**window)) == []
    clock.advance(minutes=3)
    assert ids(caller.okta(**window)) == ["event-1"]
    since = clock() - timedelta(minutes=5)
    assert simulator.event_ids("okta", since, clock()) == ["event-1"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("since=2026-03-04T09", "since=2026-03-04T08"),
        ("until=2026-03-04T11", "until=2026-03-04T10"),
        ("&filter=", "&ignored="),
        ("&until=", "&ignored="),
        ("after=", "after=1"),
    ],
)
def test_next_links_must_be_used_verbatim(start: Start, old: str, new: str) -> None:
    events = [event(n, f"2026-03-04T10:00:0{n}.000Z") for n in range(3)]
    _, caller = start(okta_events=events)
    params = {"since": "2026-03-04T09:00:00Z", "until": "2026-03-04T11:00:00Z", "limit": "1"}
    link = caller.okta(**params, filter=f'eventType eq "{THREAT}"').links["next"]["url"]
    assert ids(caller.okta(link)) == ["event-1"]
    assert old in link
    assert caller.okta(link.replace(old, new, 1)).json()["errorCode"] == "E0000001"


def test_link_header_comes_in_all_legal_forms(start: Start) -> None:
    _, caller = start(okta_events=[event(n, "2026-03-04T10:00:00.000Z") for n in range(2)])
    pages = [caller.okta(since="2026-03-04T09:00:00Z", limit=1) for _ in range(4)]
    assert {len(page.raw.headers.getlist("Link")) for page in pages} == {1, 2}
    assert all(set(page.links) == {"self", "next"} for page in pages)
    texts = [page.headers["Link"] for page in pages]
    assert {text.index('rel="next"') < text.index('rel="self"') for text in texts} == {True, False}


def test_rate_limit(start: Start, clock: ManualClock) -> None:
    _, caller = start(limits=Limits(okta_per_minute=2))
    answers = [caller.okta(limit=1) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-Rate-Limit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].json()["errorCode"] == "E0000047"
    assert "Retry-After" not in answers[2].headers
    assert int(answers[2].headers["X-Rate-Limit-Reset"]) == int(clock().timestamp()) + 60
    assert answers[2].headers["Date"] == "Wed, 04 Mar 2026 12:00:00 GMT"
    clock.advance(seconds=60)
    assert caller.okta(limit=1).status_code == 200


def test_retention_is_ninety_days_and_unknown_parameters_are_ignored(start: Start) -> None:
    events = [event(1, "2025-11-01T00:00:00.000Z"), event(2, "2026-01-01T00:00:00.000Z")]
    _, caller = start(okta_events=events, history=timedelta(days=365))
    assert ids(caller.okta(since="2025-10-01T00:00:00Z", color="blue")) == ["event-2"]


def test_default_period_and_limit(start: Start) -> None:
    events = [event(n, "2026-03-03T00:00:00.000Z") for n in range(120)]
    old = event(999, "2026-02-01T00:00:00.000Z")
    _, caller = start(okta_events=[old, *events])
    assert len(caller.okta().json()) == 100
    assert caller.okta(limit=0).json() == []


def test_malformed_elements_are_served_verbatim(start: Start) -> None:
    elements: list[Any] = [None, "text", 7, [], {}, b'{"uuid":1e400}', event(1, "2026-03-04T10:00:00.000Z")]
    _, caller = start(okta_events=elements)
    pages = caller.okta_pages(since="2026-03-04T09:00:00Z", until="2026-03-04T11:00:00Z", limit=4)
    assert b"".join(page.content for page in pages).startswith(b'[null,"text",7,[]][{},{"uuid":1e400},')


def test_other_paths_and_methods(start: Start) -> None:
    simulator, caller = start()
    assert caller.okta(f"{simulator.url}/api/v1/users").json()["errorCode"] == "E0000007"
    assert caller.okta(f"{simulator.url}/nowhere").status_code == 404
