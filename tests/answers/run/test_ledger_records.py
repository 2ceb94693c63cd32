"""The records of a run whose artifacts are gone, from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import pytest
from sqlalchemy import Connection

from ci_operators.answers.question import Limits, WrongQuestionError
from ci_operators.answers.run import ledger_records
from ci_operators.answers.run.ledger_records import LedgerRun, find_ledger_records
from ci_operators.answers.run.query import Cursor, RecordQuery, write_cursor
from ci_operators.answers.run.record import Record
from ci_operators.ledger.keys import event_key
from ci_operators.ledger.trail import DeliveredDetection, find_states
from tests.answers.staged_run import WORDING, follow
from tests.commands.conftest import Desk

RUN = "scheduled__1"


@pytest.fixture
def ledger_run(desk: Desk) -> LedgerRun:
    """A run of nine delivered events, three dropped, two quarantined; another run of another connector."""
    desk.add_okta_events(*range(1, 10))
    desk.add_okta_events(10, 11, 12, actor=None)
    desk.add_okta_events(13, 14, actor={"displayName": "no address"})
    desk.deliver()
    desk.deliver("s1", "scheduled__2")
    return LedgerRun(desk.connection, "okta", RUN, WORDING)


def find_all(run: LedgerRun, query: RecordQuery, size: int = 10_000) -> list[Record]:
    return follow(lambda cursor: find_ledger_records(run, query, cursor, Limits(records=size)))


def test_every_record_is_there(ledger_run: LedgerRun) -> None:
    found = find_all(ledger_run, RecordQuery())
    assert [record.fate for record in found] == ["dropped"] * 3 + ["quarantined"] * 2 + ["detection"] * 9
    assert len({record.event_id for record in found}) == 14
    delivered = found[-1]
    assert (delivered.state, delivered.codes, delivered.indicator_type) == ("accepted", ("T1110.003",), "ip")
    assert found[0].words == "There is no actor information under the event."


@pytest.mark.parametrize("size", [1, 2, 3, 5, 13, 14])
def test_pages_cover_all_exactly_once(ledger_run: LedgerRun, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = find_all(ledger_run, RecordQuery())
    monkeypatch.setattr(ledger_records, "_BATCH", 2)
    assert find_all(ledger_run, RecordQuery(), size) == whole


def test_filters_are_those_of_the_table(ledger_run: LedgerRun) -> None:
    assert len(find_all(ledger_run, RecordQuery("detection"), 4)) == 9
    assert len(find_all(ledger_run, RecordQuery(code="missing_actor"))) == 3
    assert len(find_all(ledger_run, RecordQuery(stage="map"))) == 2
    assert len(find_all(ledger_run, RecordQuery(search="ACCEPTED"))) == 9
    assert [record.event_id for record in find_all(ledger_run, RecordQuery(search="198.51.100.5"))] == ["event-0004"]
    assert find_all(LedgerRun(ledger_run.connection, "s1", RUN, WORDING), RecordQuery()) == []
    assert find_all(LedgerRun(ledger_run.connection, "okta", "scheduled__2", WORDING), RecordQuery()) == []


@pytest.mark.parametrize(
    ("query", "searched"),
    [
        (RecordQuery(), 14),
        (RecordQuery("dropped"), 3),
        (RecordQuery("quarantined"), 2),
        (RecordQuery("detection"), 9),
        (RecordQuery(code="missing_actor"), 3),
        (RecordQuery("detection", code="missing_actor"), 0),
        (RecordQuery(stage="map"), 2),
        (RecordQuery(stage="submit"), 9),
        (RecordQuery("detection", stage="filter"), 0),
    ],
)
@pytest.mark.parametrize("size", [2, 3, 200])
def test_only_requested_records_are_read(
    query: RecordQuery, searched: int, size: int, ledger_run: LedgerRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = find_all(ledger_run, RecordQuery())
    monkeypatch.setattr(ledger_records, "_BATCH", size)
    page = find_ledger_records(ledger_run, query)
    assert (page.searched, len(page.records), page.cursor) == (searched, searched, None)
    assert page.records == [each for each in whole if query.matches(each) and query.stage in ("", each.stage)]


def test_a_detection_forgotten_meanwhile_does_not_end_the_list(
    ledger_run: LedgerRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list continues with the record after it."""
    whole = find_all(ledger_run, RecordQuery("detection"))
    gone = {each.event_id for each in whole[2:5]}

    def find_fewer(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, DeliveredDetection]:
        lost = {event_key("okta", event_id or "") for event_id in gone}
        return {key: found for key, found in find_states(connection, keys).items() if key[:8] not in lost}

    monkeypatch.setattr(ledger_records, "find_states", find_fewer)
    monkeypatch.setattr(ledger_records, "_BATCH", 2)
    found = find_all(ledger_run, RecordQuery("detection"))
    assert found == [each for each in whole if each.event_id not in gone]
    assert len(found) == 6


def test_work_is_bounded(ledger_run: LedgerRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_records, "_BATCH", 2)
    ticks = count()
    page = find_ledger_records(
        ledger_run, RecordQuery(search="nothing"), limits=Limits(seconds=1.0, clock=lambda: float(next(ticks)))
    )
    assert (page.records, page.searched) == ([], 2)
    assert page.cursor is not None


@pytest.mark.parametrize(
    ("part", "key"),
    [
        ("detection", "x"),
        ("detection", "1.zz"),
        ("dropped", "zz"),
        ("quarantined", "one"),
        ("filter.dropped", ""),
    ],
)
def test_a_broken_cursor_is_refused(ledger_run: LedgerRun, part: str, key: str) -> None:
    cursor = write_cursor(Cursor(RecordQuery().fingerprint, part, key=key))
    with pytest.raises(WrongQuestionError, match="Start again with the first page"):
        find_ledger_records(ledger_run, RecordQuery(), cursor)
