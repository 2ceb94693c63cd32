"""The requests for unified alerts, and the handling of GraphQL's errors."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from ci_operators.core.errors import CredentialsError, RequestRefusedError, UnavailableError, UnreadableAnswerError
from ci_operators.core.verdict import Quarantined
from ci_operators.core.window import Window
from ci_operators.ledger.keys import detection_key
from ci_operators.sources.sentinelone.alerts_api import ALERTS_PATH, INTERVAL_S, PAGE_SIZE, fetch, find_event
from ci_operators.sources.sentinelone.api import THREATS_PATH
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from ci_operators.sources.sentinelone.source import SOURCE
from simulator import Limits, Simulator, serve
from tests.noting_session import NotingSession
from tests.sources.sentinelone.specimens import (
    ALERT_ID,
    ALERTS,
    SHA256,
    SPECIMENS,
    THREAT_ID,
    alert,
    attack,
    threat,
)
from tests.sources.specimens import Wire, run_steps
from tests.vendor_cases import SENTINELONE, WINDOW
from tests.virtual_time import VirtualTime

SERVED = ALERTS
DETAILED = SentinelOneConnector(name="acme", surface="unified_alerts")
PLAIN = DETAILED.model_copy(update={"details_per_page": 0})
VERIFIED = PLAIN.model_copy(update={"only_analyst_verified": True})
START, END = 1773140400000, 1773144000000


def fetch_all(wire: Wire, connector: SentinelOneConnector = PLAIN, window: Window = WINDOW) -> list[Any]:
    return [json.loads(event) for page in fetch(wire.client, connector, window) for event in page.events]


def asked(wire: Wire, number: int = 0) -> dict[str, Any]:
    variables: dict[str, Any] = json.loads(wire.session.sent[number].body or b"")["variables"]
    return variables


def add_alerts(wire: Wire, count: int, **changes: Any) -> None:
    members = {"indicators": [{"attacks": [attack("T1106")]}], **changes}
    ALERTS.serve_events(wire.simulator, [{**made, **members} for made in ALERTS.spread_events(count)])


def test_windows_hold_alerts_by_their_creation(wire: Wire) -> None:
    add_alerts(wire, PAGE_SIZE + 1)
    assert len(fetch_all(wire)) == PAGE_SIZE + 1
    assert asked(wire) == {
        "filters": [
            {
                "fieldId": "createdAt",
                "dateTimeRange": {"start": START, "startInclusive": True, "end": END, "endInclusive": False},
            }
        ],
        "sort": {"by": "createdAt", "order": "ASC"},
        "first": PAGE_SIZE,
    }
    assert asked(wire, 1).pop("after")
    assert wire.session.asked == [("POST", ALERTS_PATH)] * 2
    assert wire.session.sent[0].headers["Authorization"] == f"ApiToken {SENTINELONE.token}"


def test_an_alert_of_an_agent_that_was_offline_is_in_the_window_of_its_creation(wire: Wire) -> None:
    late = {"detectedAt": "2026-03-10T02:00:00.000Z", "createdAt": "2026-03-10T11:30:00.000Z"}
    wire.simulator.add_event("sentinelone", alert(**late))
    assert len(fetch_all(wire)) == 1
    by_detection = PLAIN.model_copy(update={"alert_window": "detected_at"})
    assert fetch_all(wire, by_detection) == []
    assert asked(wire, 1)["filters"][0]["fieldId"] == asked(wire, 1)["sort"]["by"] == "detectedAt"


def test_verified_windows_hold_alerts_by_their_verdict(wire: Wire) -> None:
    created = WINDOW.since - timedelta(days=2)
    for number in range(3):
        wire.simulator.add_event("sentinelone", ALERTS.make_event(created, number))
    wire.simulator.set_verdict(f"{0:019d}", "TRUE_POSITIVE_MALWARE", WINDOW.since)
    wire.simulator.set_verdict(f"{1:019d}", "TRUE_POSITIVE_BENIGN", WINDOW.since)
    (found,) = fetch_all(wire, VERIFIED)
    assert found["externalId"] == f"{0:019d}"
    window, verdicts, floor = asked(wire)["filters"]
    assert (window["fieldId"], asked(wire)["sort"]["by"]) == ("updatedAt", "updatedAt")
    assert verdicts["stringIn"]["values"] == list(VERIFIED.verified_alert_verdicts)
    assert floor == {
        "fieldId": "createdAt",
        "dateTimeRange": {"start": START - 90 * 86_400_000, "startInclusive": True},
    }
    assert fetch_all(wire, PLAIN) == []


@pytest.mark.parametrize(
    ("accounts", "sites", "scope"),
    [
        (("1", "2"), (), {"scopeType": "ACCOUNT", "scopeIds": ["1", "2"]}),
        (("1",), ("3",), {"scopeType": "SITE", "scopeIds": ["3"]}),
    ],
)
def test_a_query_has_one_scope(accounts: tuple[str, ...], sites: tuple[str, ...], scope: Any, wire: Wire) -> None:
    inside = alert(realTime={"scope": {"account": {"id": "1"}, "site": {"id": "3"}}})
    wire.simulator.add_event("sentinelone", inside)
    wire.simulator.add_event("sentinelone", alert(realTime={"scope": {"account": {"id": "9"}, "site": {"id": "9"}}}))
    connector = PLAIN.model_copy(update={"account_ids": accounts, "site_ids": sites})
    assert len(fetch_all(wire, connector)) == 1
    assert asked(wire)["scope"] == scope


class TestDetails:
    def test_an_alert_that_is_kept_has_its_indicators(self, wire: Wire) -> None:
        add_alerts(wire, 2)
        wire.simulator.add_event("sentinelone", alert(process=None))
        wire.simulator.add_event("sentinelone", 7)
        found = fetch_all(wire, DETAILED)
        assert [element["indicators"][0]["attacks"] for element in found[1:3]] == [
            [{"tactic": {"uid": None, "name": "Defense Evasion"}, "technique": {"uid": "T1106", "sourceUrl": None}}]
        ] * 2
        assert found[0] == 7
        assert "indicators" not in found[3], "an alert that is dropped costs no request"
        assert len(wire.session.sent) == 3
        assert wire.time.slept == pytest.approx([INTERVAL_S] * 2)

    def test_details_are_limited_by_the_option(self, wire: Wire) -> None:
        add_alerts(wire, 5)
        found = fetch_all(wire, DETAILED.model_copy(update={"details_per_page": 2}))
        assert ["indicators" in each for each in found] == [True, True, False, False, False]
        assert len(wire.session.sent) == 3

    def test_a_long_rate_limit_costs_codes_and_no_page(self, wire: Wire) -> None:
        add_alerts(wire, 5)
        wire.simulator.add_fault("sentinelone", "status", status=429, headers={"Retry-After": "90"}, skip=3)
        assert ["indicators" in each for each in fetch_all(wire, DETAILED)] == [True, True, False, False, False]

    def test_a_short_rate_limit_is_waited_for(self, wire: Wire) -> None:
        add_alerts(wire, 3)
        wire.simulator.add_fault("sentinelone", "status", status=429, headers={"Retry-After": "30"}, skip=2)
        assert all("indicators" in each for each in fetch_all(wire, DETAILED))

    def test_a_deleted_alert_has_no_details(self, wire: Wire) -> None:
        add_alerts(wire, 1)
        wire.simulator.add_event("sentinelone", alert(id=None))
        add_alerts(wire, 1)
        assert ["indicators" in each for each in fetch_all(wire, DETAILED)].count(False) == 1

    def test_a_console_that_does_not_know_them_is_not_asked_again(self, wire: Wire) -> None:
        add_alerts(wire, 4)
        body = {"errors": [{"message": "FieldUndefined", "extensions": {"classification": "ValidationError"}}]}
        wire.simulator.add_fault("sentinelone", "status", status=200, body=body, skip=1)
        assert not any("indicators" in each for each in fetch_all(wire, DETAILED))
        assert len(wire.session.sent) == 2

    def test_an_outage_fails_the_page(self, wire: Wire) -> None:
        add_alerts(wire, 2)
        wire.simulator.add_fault("sentinelone", "status", status=503, skip=1, count=100)
        with pytest.raises(UnavailableError):
            fetch_all(wire, DETAILED)

    def test_details_without_an_alert_are_empty(self, wire: Wire) -> None:
        add_alerts(wire, 1)
        wire.simulator.add_fault("sentinelone", "status", status=200, body={"data": {"alert": None}}, skip=1)
        (found,) = fetch_all(wire, DETAILED)
        assert found["indicators"] is None


@pytest.mark.parametrize(
    ("classification", "expected"),
    [
        ("ValidationError", RequestRefusedError),
        ("BAD_REQUEST", RequestRefusedError),
        ("INTERNAL_ERROR", UnreadableAnswerError),
        (None, UnreadableAnswerError),
    ],
)
def test_an_error_of_the_query_is_a_refusal_and_another_may_pass(
    classification: str | None, expected: type[Exception], wire: Wire
) -> None:
    error = {"message": "Field 'x' is undefined", "extensions": {"classification": classification}}
    wire.simulator.add_fault("sentinelone", "status", status=200, body={"errors": [error], "data": None})
    with pytest.raises(expected, match=r"\(Field 'x' is undefined\)"):
        fetch_all(wire)


@pytest.mark.parametrize("errors", [["x"], {"code": 1}, "broken", [{"message": 7}]])
def test_errors_of_any_shape_are_not_taken_for_a_page(errors: Any, wire: Wire) -> None:
    body = {"data": {"alerts": {"edges": [], "pageInfo": {"hasNextPage": False}}}, "errors": errors}
    wire.simulator.add_fault("sentinelone", "status", status=200, body=body)
    with pytest.raises(UnreadableAnswerError, match="answered 200 with errors"):
        fetch_all(wire)


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"alerts": None},
        {"alert": {"indicators": []}},
        {"alerts": {"edges": [], "pageInfo": {"hasNextPage": True, "endCursor": None}}},
        {"alerts": {"edges": [], "pageInfo": {"hasNextPage": True, "endCursor": ""}}},
    ],
)
def test_a_page_without_alerts_or_cursor_is_unreadable(data: Any, wire: Wire) -> None:
    wire.simulator.add_fault("sentinelone", "status", status=200, body={"data": data}, count=10)
    with pytest.raises(UnreadableAnswerError, match="without a page of alerts, or without the next cursor"):
        fetch_all(wire)


def test_a_cursor_after_the_last_page_is_not_followed(wire: Wire) -> None:
    page = {"edges": [{"node": alert()}], "pageInfo": {"hasNextPage": False, "endCursor": "x"}}
    wire.simulator.add_fault("sentinelone", "status", status=200, body={"data": {"alerts": page}})
    assert len(fetch_all(wire)) == 1


def test_an_alert_of_null_is_an_event_that_is_quarantined(wire: Wire) -> None:
    page = {"edges": [None, {"node": None}, {}, {"node": alert()}], "pageInfo": {"hasNextPage": False}}
    wire.simulator.add_fault("sentinelone", "status", status=200, body={"data": {"alerts": page}})
    found = fetch_all(wire, DETAILED)
    assert found[:3] == [None] * 3
    assert len(found) == 4
    assert isinstance(run_steps(SOURCE, DETAILED, b"null").filtered, Quarantined)


class TestCheck:
    """The requests of `check` and of a Connection's Test button."""

    def test_a_connector_s_check_tries_the_surface_that_it_reads(self, wire: Wire) -> None:
        for connector, path in ((SPECIMENS.connector(), THREATS_PATH), (DETAILED, ALERTS_PATH)):
            wire.session.sent.clear()
            words = SPECIMENS.source.api_for(connector).check(wire.client)
            assert words == f"the token may read {connector.surface.replace('_', ' ')}"  # type: ignore[attr-defined]
            assert [asked for _, asked in wire.session.asked] == [path]

    @pytest.mark.parametrize("connector", [SPECIMENS.connector(), DETAILED])
    def test_an_account_that_may_not_read_it_names_the_permission(self, connector: Any, wire: Wire) -> None:
        wire.simulator.add_fault("sentinelone", "status", status=403)
        missing = "Unified Alerts > View" if connector.reads_alerts else "may not view threats"
        with pytest.raises(CredentialsError, match=rf"403 .*{missing}"):
            SPECIMENS.source.api_for(connector).check(wire.client)

    @pytest.mark.parametrize("classification", ["FORBIDDEN", "UNAUTHORIZED"])
    def test_graphql_s_own_refusal_names_it_too(self, classification: str, wire: Wire) -> None:
        error = {"message": "Access denied", "extensions": {"classification": classification}}
        wire.simulator.add_fault("sentinelone", "status", status=200, body={"errors": [error], "data": None})
        with pytest.raises(CredentialsError, match=r"\(Access denied\): .*Unified Alerts > View"):
            fetch_all(wire)

    def test_the_test_of_a_connection_tries_both(self, wire: Wire) -> None:
        check = SOURCE.api.check
        assert check(wire.client) == "the token may read threats and unified alerts"
        wire.simulator.add_fault("sentinelone", "status", status=403, path=ALERTS_PATH)
        assert "but not unified alerts" in (words := check(wire.client))
        assert "Unified Alerts > View" in words
        wire.simulator.add_fault("sentinelone", "status", status=403, path=THREATS_PATH)
        with pytest.raises(CredentialsError, match="may not view threats"):
            check(wire.client)


def test_a_refused_cursor_is_recognized(wire: Wire) -> None:
    with pytest.raises(RequestRefusedError, match="refused the query for alerts") as caught:
        list(fetch(wire.client, PLAIN, WINDOW, ["stale"]))
    assert caught.value.status == 400


@pytest.mark.parametrize("event_id", [THREAT_ID, ALERT_ID])
def test_an_alert_is_found_by_its_own_id_and_by_its_threats(event_id: str, wire: Wire) -> None:
    wire.simulator.add_event("sentinelone", alert())
    found = json.loads(find_event(wire.client, DETAILED, event_id, wire.time()) or b"null")
    assert found["id"] == ALERT_ID
    assert found["indicators"][0]["attacks"][1]["technique"]["uid"] == "T1106"


def test_an_alert_whose_external_id_is_a_uuid_is_found_by_it(wire: Wire) -> None:
    external = "7c1f0a52-0000-4000-8000-000000000000"
    wire.simulator.add_event("sentinelone", alert(externalId=external))
    assert find_event(wire.client, PLAIN, external, wire.time()) is not None


def test_a_change_of_the_surface_sends_nothing_twice() -> None:
    """The scenario's threats and their alerts have the same keys. There are more alerts, and no threat is missing."""
    time = VirtualTime()
    window = Window(WINDOW.until - timedelta(hours=24), WINDOW.until)
    with serve(Simulator(clock=time, limits=Limits.off())) as simulator, NotingSession() as session:
        client = SENTINELONE.connect(simulator.url, session, time)
        keys = []
        for connector in (SPECIMENS.connector(), DETAILED):
            pages = SPECIMENS.source.fetch(client, connector, window, ())
            events = [event for page in pages for event in page.events]
            outcomes = [run_steps(SPECIMENS.source, connector, event) for event in events]
            found = [json.loads(detection) for outcome in outcomes for detection in outcome.detections]
            keys.append({detection_key("acme", e["incident"]["id"], "hash", e["ioc"]["value"]) for e in found})
            assert any(e.get("mitre_codes") for e in found)
    threats, alerts = keys
    assert len(threats) > 50
    assert threats < alerts


def test_a_threat_and_its_alert_are_one_detection() -> None:
    found = [
        json.loads(run_steps(each.source, each.connector(), json.dumps(event).encode()).detections[0])
        for each, event in ((SPECIMENS, threat()), (ALERTS, alert()))
    ]
    assert [(each["incident"]["id"], each["ioc"]["value"]) for each in found] == [(THREAT_ID, SHA256)] * 2
    assert found[0]["timestamp"] == found[1]["timestamp"]
    assert found[0]["mitre_codes"] == found[1]["mitre_codes"] == ["T1055.012", "T1106"]
