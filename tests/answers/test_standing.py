"""How connectors stand; a ledger that fails takes no other down. (Counts and budget: commands/test_status.py.)"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Connection, event

from ci_operators.answers.standing import Standing, find_remarks, find_standings, is_behind
from ci_operators.connectors_file import load_connectors
from tests.commands.conftest import Desk


def test_standings_are_in_the_order_of_names(desk: Desk) -> None:
    desk.add_okta_events(1, minutes_ago=100)
    desk.deliver(since=120, until=90)
    found = load_connectors()
    standings = find_standings(found.connectors, found.destinations, desk.now)
    assert [standing.connector for standing in standings] == ["dry", "okta", "s1"]
    dry, okta, s1 = standings
    assert list(find_remarks(okta)) == ["is behind its update frequency: look at its runs in Airflow."]
    assert next(find_remarks(dry)).startswith("in debug mode")
    assert (okta.lag_s, s1.last_window, list(find_remarks(s1))) == (5400, None, [])


def test_many_connectors_cost_no_more_questions_than_one(desk: Desk) -> None:
    desk.add_okta_events(1, 2, minutes_ago=100)
    desk.deliver(since=120, until=90)
    desk.deliver("s1", "scheduled__2")
    found = load_connectors()
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    @contextmanager
    def open_by(_: str) -> Iterator[Connection]:
        event.listen(desk.connection, "before_cursor_execute", note)
        try:
            yield desk.connection
        finally:
            event.remove(desk.connection, "before_cursor_execute", note)

    by_itself = [
        find_standings([connector], found.destinations, desk.now, open_by)[0] for connector in found.connectors
    ]
    of_each = len(asked) // len(by_itself)
    together = find_standings(found.connectors, found.destinations, desk.now, open_by)
    assert together == sorted(by_itself, key=lambda standing: standing.connector)
    assert [standing.last_7_days.accepted for standing in together] == [0, 2, 0]
    assert len(asked) == (len(by_itself) + 1) * of_each


def test_a_ledger_that_fails_takes_no_other_down(desk: Desk) -> None:
    path = desk.folder / "connectors.yaml"
    path.write_text(path.read_text().replace("name: s1,", "name: s1, ledger_conn_id: nowhere,"))
    found = load_connectors()
    standings = {each.connector: each for each in find_standings(found.connectors, {}, desk.now)}
    assert "nowhere does not exist" in standings["s1"].problem
    assert next(find_remarks(standings["s1"])) == standings["s1"].problem
    assert standings["okta"].problem == ""


def test_a_connector_is_behind_when_a_run_is_overdue(desk: Desk) -> None:
    okta = desk.connector("okta")
    assert not is_behind(okta, timedelta(minutes=61))
    assert is_behind(okta, timedelta(minutes=61, seconds=1))
    assert not is_behind(desk.connector("dry"), timedelta(days=60))


def test_each_trouble_has_its_remark() -> None:
    standing = Standing("a", "okta", False, held=2, in_flight=3, runs_awaiting_retry=["r1", "r2"])
    assert list(find_remarks(standing)) == [
        "unknown detections wait for the retry of r1, r2.",
        "2 unknown detections are held: `settle --connector a` settles them.",
        "3 detections are on their way, or their task has died: its retry tells.",
    ]
