"""`reconcile`: the ledger against the search endpoint, as a multiset."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from ci_operators.commands.reconcile import cut_slices
from simulator.settings import RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH
from tests.commands.conftest import Desk, stored_ids
from tests.simulator.caller import Caller


def reconcile(desk: Desk, *options: str, status: int = 0, since: str = "2 hours") -> dict[str, Any]:
    arguments = ("reconcile", "--connector", "okta", "--since", since, "--until", "0 seconds")
    printed = desk.run(*arguments, "--json", *options)
    assert printed.status == status, printed
    desk.run(*arguments)
    report: dict[str, Any] = printed.json
    return report


def figures(report: dict[str, Any]) -> dict[str, int]:
    return {name: value["count"] for name, value in report.items() if isinstance(value, dict) and value["count"]}


def test_no_difference_is_reported_when_all_agrees(desk: Desk) -> None:
    desk.add_okta_events(*range(25))
    desk.deliver()
    report = reconcile(desk, since="4 days")
    assert (report["accepted"], figures(report)) == (25, {})


def test_each_difference_is_found(desk: Desk) -> None:
    desk.add_okta_events(1, 2, 3)
    desk.deliver()
    caller = Caller(desk.simulator.url)
    stored = {found.incident_id: found.entry for found in desk.simulator.detections}
    foreign = {**stored["event-0003"], "incident": {"id": "elsewhere", "type": "t"}}
    options = {"debug": False, "summary": True}
    caller.submit({"options": options, "data": [stored["event-0002"], foreign]})
    caller.close()
    with desk.connection.begin():
        desk.connection.exec_driver_sql("UPDATE detection SET event_id = 'lost' WHERE event_id = 'event-0001'")
        desk.connection.exec_driver_sql("UPDATE detection SET state = 0 WHERE event_id = 'event-0003'")
    report = reconcile(desk, status=1)
    assert figures(report) == {"missing": 1, "repeated": 1, "not_accepted_found": 1, "foreign": 2}
    assert report["missing"]["listed"][0]["event_id"] == "lost"
    assert report["repeated"]["listed"][0]["stored"] == 2
    assert {found["event_id"] for found in report["foreign"]["listed"]} == {"event-0001", "elsewhere"}
    assert len(reconcile(desk, "--limit", "1", status=1)["foreign"]["listed"]) == 1


def test_fix_accepts_unknown_detections_that_are_found(desk: Desk) -> None:
    desk.add_okta_events(1, 2)
    desk.lose_answer("store_then_drop")
    report = reconcile(desk, status=1)
    assert (report["unknown"], figures(report)) == (2, {"unknown_found": 2})
    assert reconcile(desk, "--mend")["mended"] == 2
    assert figures(reconcile(desk)) == {}
    desk.deliver(run_id="scheduled__2")
    assert stored_ids(desk.simulator) == ["event-0001", "event-0002"]
    assert desk.run("status", "okta").status == 0


def test_two_connectors_of_one_tenant_each_deliver(desk: Desk) -> None:
    desk.add_okta_events(1)
    desk.deliver()
    desk.edit_file("name: dry, source: okta", "name: dry, source: okta, debug: false")
    desk.deliver("dry", run_id="scheduled__2")
    assert stored_ids(desk.simulator) == ["event-0001", "event-0001"]
    assert figures(reconcile(desk)) == {}


def test_a_token_that_may_not_search_is_one_sentence(desk: Desk, connect: Callable[..., None]) -> None:
    token = RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH
    host = desk.simulator.url
    connect("recorded_future_default", json.dumps({"conn_type": "http", "host": host, "password": token}))
    printed = desk.run("reconcile", "--connector", "okta", "--since", "1 day", "--until", "0 seconds", "--json")
    assert (printed.status, printed.out) == (1, "")
    assert printed.err.startswith("The token of Connection recorded_future_default has no right to search")


def test_wrong_times(desk: Desk) -> None:
    printed = desk.run("reconcile", "--connector", "okta", "--since", "1 day", "--until", "2 days")
    assert (printed.status, printed.err) == (2, "--until must be later than --since.\n")


def test_slices_are_contiguous() -> None:
    begin = datetime(2026, 3, 10, 7, tzinfo=UTC)
    slices = list(cut_slices(begin, begin + timedelta(days=2, hours=3)))
    assert [until - since for since, until in slices] == [timedelta(days=1)] * 2 + [timedelta(hours=3)]
    assert [since for since, _ in slices][1:] == [until for _, until in slices][:-1]
