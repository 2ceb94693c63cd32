"""The health of connectors; a ledger that fails affects no others. (Counts and budget: commands/test_status.py.)"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, text

from ci_operators.answers.connector.health import ConnectorHealth, find_health, find_orphans, find_remarks, is_behind
from ci_operators.connectors_file import load_connectors
from ci_operators.ledger.breaker import MOST_UNKNOWN, Streak
from ci_operators.ledger.history import History
from tests.commands.conftest import Desk
from tests.ledger.delivered import accept_batch, lose_batch, plan_batch


def test_states_are_sorted_by_name(desk: Desk) -> None:
    desk.add_okta_events(1, minutes_ago=100)
    desk.deliver(since=120, until=90)
    found = load_connectors()
    found_health = find_health(found, found.connectors, desk.now)
    assert [health.connector for health in found_health] == ["dry", "okta", "s1"]
    dry, okta, s1 = found_health
    assert list(find_remarks(okta)) == ["is behind its update frequency. Check its runs in Airflow."]
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

    by_itself = [find_health(found, [connector], desk.now, open_by)[0] for connector in found.connectors]
    of_each = len(asked) // len(by_itself)
    together = find_health(found, found.connectors, desk.now, open_by)
    assert together == sorted(by_itself, key=lambda health: health.connector)
    assert [health.last_7_days.accepted for health in together] == [0, 2, 0]
    assert len(asked) == (len(by_itself) + 1) * of_each


def test_a_ledger_that_fails_takes_no_other_down(desk: Desk) -> None:
    desk.edit_file("name: s1,", "name: s1, ledger_conn_id: nowhere,")
    found = load_connectors()
    found_health = {each.connector: each for each in find_health(found, found.connectors, desk.now)}
    assert "nowhere does not exist" in found_health["s1"].problem
    assert next(find_remarks(found_health["s1"])) == found_health["s1"].problem
    assert found_health["okta"].problem == ""


def test_a_connector_is_behind_when_a_run_is_overdue(desk: Desk) -> None:
    okta = desk.connector("okta")
    assert not is_behind(okta, timedelta(minutes=61))
    assert is_behind(okta, timedelta(minutes=61, seconds=1))
    assert not is_behind(desk.connector("dry"), timedelta(days=60))


def test_each_trouble_has_its_remark() -> None:
    health = ConnectorHealth("a", "okta", False, held=2, in_flight=3, runs_awaiting_retry=["r1", "r2"])
    assert list(find_remarks(health)) == [
        "has unknown detections that wait for the retry of r1, r2.",
        "2 unknown detections are held. To settle them: `settle --connector a`.",
        "3 detections are being sent, or their task died. The retry of the task finds out.",
    ]


def test_a_stopped_connector_reports_since_when_and_the_fix(desk: Desk) -> None:
    lose_batch(desk.connection, 1)
    connector = text("UPDATE connector SET unknown_streak = :count, unknown_since = :at, unknown_at = :at")
    for count in (MOST_UNKNOWN - 1, MOST_UNKNOWN):
        with desk.connection.begin():
            desk.connection.execute(connector, {"count": count, "at": desk.ago(20)})
        (okta,) = find_health(load_connectors(), [desk.connector("okta")], desk.now)
        stopped = Streak(MOST_UNKNOWN, desk.ago(20), desk.ago(20)) if count == MOST_UNKNOWN else None
        assert okta.stopped == stopped
    remark = next(find_remarks(okta))
    assert remark.startswith(f"has stopped sending: since {okta.stopped.since:%Y-%m-%dT%H:%M}")  # type: ignore[union-attr]
    assert "3 submissions in a row had an unknown outcome" in remark
    assert "`check okta`" in remark


@pytest.mark.parametrize(("resends", "held"), [(0, 0), (1, 2)])
def test_a_detection_at_its_resend_limit_is_held(desk: Desk, resends: int, held: int) -> None:
    desk.edit_file("hold", "resend")
    lose_batch(desk.connection, 1, 2)
    with desk.connection.begin():
        desk.connection.execute(text("UPDATE batch SET resends = :resends"), {"resends": resends})
    (okta,) = find_health(load_connectors(), [desk.connector("okta")], desk.now)
    assert (okta.unknown, okta.held, okta.needs_somebody) == (2, held, held > 0)
    assert okta.runs_awaiting_retry == ([] if held else ["scheduled__1"])


def quarantine(desk: Desk, name: str, days_ago: int, *records: str) -> None:
    """Put entries of this age into a connector's quarantine."""
    lines = [f'{{"issue":"bad","event_id":"{record}","record":"{record}"}}'.encode() for record in records]
    History(desk.connection, name, "run", "map").add_quarantined([lines])
    statement = text("UPDATE quarantine SET seen_at = :at WHERE event_id = ANY(:records)")
    with desk.connection.begin():
        desk.connection.execute(statement, {"at": desk.ago(days_ago * 1440), "records": list(records)})


def test_open_entries_older_than_the_history_are_named_with_their_age(desk: Desk) -> None:
    quarantine(desk, "okta", 170, "young")
    (okta,) = find_health(load_connectors(), [desk.connector("okta")], desk.now)
    assert (okta.overdue, list(find_remarks(okta))) == (None, [])
    quarantine(desk, "okta", 400, "old", "as-old")
    quarantine(desk, "okta", 190, "older-than-the-history")
    (okta,) = find_health(load_connectors(), [desk.connector("okta")], desk.now)
    assert list(find_remarks(okta)) == [
        "3 open quarantined records are older than `retention: history`, the oldest of "
        f"{desk.ago(400 * 1440):%Y-%m-%d}. They stay until you settle them: `quarantine replay --connector okta` "
        "sends what can be sent, `quarantine close --connector okta` closes the rest."
    ]


class TestOrphans:
    def test_a_removed_connector_is_named_with_its_open_entries(self, desk: Desk) -> None:
        lose_batch(desk.connection, 1, 2, connector="gone")
        deliveries, batch = plan_batch(desk.connection, 3, connector="gone")
        deliveries.put_off(batch)
        quarantine(desk, "gone", 1, "odd")
        accept_batch(desk.connection, 4, connector="settled")
        (orphan,) = find_orphans(load_connectors())
        assert (orphan.connector, orphan.gone) == ("gone", True)
        assert (orphan.waiting, orphan.unknown, orphan.held, orphan.quarantined) == (1, 2, 2, 1)
        assert list(find_remarks(orphan)) == [
            "is not in the connectors file, so nothing sends its open records: 1 waiting, 2 unknown, "
            "1 quarantined. `ledger hand-over gone NEW` gives them to the connector NEW."
        ]

    @pytest.mark.parametrize(
        "entry", ["{name: gone, source: nothing}", "{name: gone, source: okta, overlap: never}", "{source: okta}"]
    )
    def test_a_wrong_entry_is_not_an_orphan_nor_is_one_without_a_name(self, desk: Desk, entry: str) -> None:
        lose_batch(desk.connection, 1, connector="gone")
        desk.edit_file("connectors:", f"connectors:\n  - {entry}")
        assert find_orphans(load_connectors()) == []

    def test_a_ledger_that_fails_does_not_hide_orphans_of_another(self, desk: Desk) -> None:
        lose_batch(desk.connection, 1, connector="gone")
        desk.edit_file("name: okta,", "name: okta, ledger_conn_id: nowhere,")
        assert [orphan.connector for orphan in find_orphans(load_connectors())] == ["gone"]
