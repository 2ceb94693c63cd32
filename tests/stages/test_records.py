"""The records that stages keep for the ledger are written once, by the next process that opens it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from ci_operators.core.tally import Tally
from ci_operators.core.window import Window
from ci_operators.stages.records import FOLDER, StageRecord, has_kept, keep, name_sides, write_kept
from ci_operators.staging.artifact import write_artifact
from ci_operators.staging.manifest import Manifest
from tests.virtual_time import NOON

WINDOW = Window(NOON - timedelta(hours=1), NOON)


def make_record(staging: Path, stage: str = "filter", number: int = 1, *, minutes: int = 0) -> StageRecord:
    """Return the record of a stage that has dropped one event."""
    with write_artifact(staging / "run" / f"{stage}.dropped.jsonl.zst") as out:
        out.write(b'{"event_id":"event-%d","reason":"odd"}' % number)
    manifest = Manifest(stage, "acme", False, WINDOW, "data interval", None, Tally(records_in=number))
    sides = name_sides({"dropped": out.artifact})
    return StageRecord("run-1", "scheduled", "run", NOON + timedelta(minutes=minutes), manifest.to_xcom(), sides)


def every(record: StageRecord, digest: str) -> bool:
    """Accept each record."""
    assert len(digest) == 64
    return record.run_id == "run-1"


def read(connection: Connection, statement: str) -> list[tuple[object, ...]]:
    with connection.begin():
        return [tuple(row) for row in connection.execute(text(statement))]


def test_is_written_once_and_dated_when_the_stage_finished(ledger_connection: Connection, tmp_path: Path) -> None:
    assert not has_kept(tmp_path)
    keep(make_record(tmp_path), tmp_path)
    assert has_kept(tmp_path)
    write_kept(ledger_connection, "acme", tmp_path, every)
    assert not has_kept(tmp_path)
    assert read(ledger_connection, "SELECT run_id, stage, run_kind, records_in, finished_at FROM stage_run") == [
        ("run-1", "filter", "scheduled", 1, NOON)
    ]
    assert read(ledger_connection, "SELECT event_id, reason, run_id FROM dropped_event") == [
        ("event-1", "odd", "run-1")
    ]


def test_the_later_of_two_tries_counts(ledger_connection: Connection, tmp_path: Path) -> None:
    for number in (3, 1, 2):
        keep(make_record(tmp_path, number=number, minutes=number), tmp_path)
    write_kept(ledger_connection, "acme", tmp_path, every)
    assert read(ledger_connection, "SELECT records_in, finished_at FROM stage_run") == [
        (3, NOON + timedelta(minutes=3))
    ]


def test_records_that_another_run_writes_are_left_to_it(
    ledger_connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / FOLDER / "gone.jsonl.zst"
    monkeypatch.setattr("ci_operators.stages.records._list_kept", lambda _: [gone])
    write_kept(ledger_connection, "acme", tmp_path, every)
    assert read(ledger_connection, "SELECT * FROM stage_run") == []


def test_ids_that_are_gone_do_not_keep_the_counts_from_the_ledger(
    ledger_connection: Connection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep(make_record(tmp_path), tmp_path)
    (tmp_path / "run" / "filter.dropped.jsonl.zst").unlink()
    write_kept(ledger_connection, "acme", tmp_path, every)
    assert read(ledger_connection, "SELECT records_in FROM stage_run") == [(1,)]
    assert read(ledger_connection, "SELECT * FROM dropped_event") == []
    assert "filter.dropped.jsonl.zst of run run-1 is damaged or missing" in caplog.text


def test_a_record_that_no_stage_has_kept_stays_where_it_is(ledger_connection: Connection, tmp_path: Path) -> None:
    """Anyone who can write to the staging area could forge one, and an unread window would seem delivered."""
    ours = keep(make_record(tmp_path), tmp_path)
    forged = keep(make_record(tmp_path, "map", 9), tmp_path)
    assert ours != forged
    write_kept(ledger_connection, "acme", tmp_path, lambda _, digest: digest == ours)
    assert read(ledger_connection, "SELECT stage, records_in FROM stage_run") == [("filter", 1)]
    assert has_kept(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no artifact", bytes.fromhex("28b52ffd")])
def test_a_damaged_record_is_skipped(
    ledger_connection: Connection, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    keep(make_record(tmp_path), tmp_path)
    damaged = tmp_path / FOLDER / "damaged.jsonl.zst"
    damaged.write_bytes(content)
    write_kept(ledger_connection, "acme", tmp_path, every)
    assert read(ledger_connection, "SELECT records_in FROM stage_run") == [(1,)]
    assert "damaged.jsonl.zst of a stage is damaged" in caplog.text
    assert damaged.exists()
