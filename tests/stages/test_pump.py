"""Every record has a destination, and every destination is counted."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ci_operators.core.errors import AccountingError
from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.stages.pump import SideArtifacts, pump
from ci_operators.staging.artifact import write_artifact
from tests.artifacts import read_all


def read_entries(path: Any) -> list[Any]:
    return [msgspec.json.decode(record) for record in read_all(path)]


def judge(record: bytes) -> bytes | Dropped | Quarantined:
    """Drop records that begin with d, quarantine those that begin with q or {, and pass the rest on."""
    if record.startswith(b"d"):
        return Dropped("begins_with_d", record.decode())
    if record.startswith((b"q", b"{")):
        return Quarantined("begins_oddly", None, "It begins oddly.")
    return record.upper()


def test_records_go_where_their_verdict_says(tmp_path: Path) -> None:
    tally = Tally()
    with SideArtifacts(tmp_path, "filter") as side, write_artifact(tmp_path / "out") as out:
        pump([[b"a", b"d1"], [], [b"q\xff", b'{"b": 1.0}', b"c"]], judge, out, side, tally)
    tally.check_conservation("filter")
    assert (tally.records_in, tally.records_out) == (5, 2)
    assert read_all(tmp_path / "out") == [b"A", b"C"]
    assert read_entries(side.artifacts["dropped"]) == [{"event_id": "d1", "reason": "begins_with_d"}]
    kept = {"event_id": None, "issue": "begins_oddly", "detail": "It begins oddly."}
    assert read_entries(side.artifacts["quarantined"]) == [
        {**kept, "record_base64": base64.b64encode(b"q\xff").decode()},
        {**kept, "record": {"b": 1.0}},
    ]
    assert side.artifacts["dropped"].path.name == "filter.dropped.jsonl.zst"


def test_a_record_that_becomes_several_counts_as_added(tmp_path: Path) -> None:
    tally = Tally()
    with SideArtifacts(tmp_path, "map") as side, write_artifact(tmp_path / "out") as out:
        pump([[b"a", b"b"]], lambda record: [record, b"1", b"2"] if record == b"a" else [record], out, side, tally)
    tally.check_conservation("map")
    assert (tally.records_in, tally.records_out, tally.added) == (2, 4, 2)
    assert read_all(tmp_path / "out") == [b"a", b"1", b"2", b"b"]


def test_a_record_that_becomes_nothing_needs_a_verdict(tmp_path: Path) -> None:
    tally = Tally()
    with SideArtifacts(tmp_path, "map") as side, write_artifact(tmp_path / "out") as out:
        pump([[b"a"]], lambda _: [], out, side, tally)
    with pytest.raises(AccountingError, match="took 1 records and added 0"):
        tally.check_conservation("map")


def test_no_artifact_is_written_without_records(tmp_path: Path) -> None:
    with SideArtifacts(tmp_path, "filter") as side, write_artifact(tmp_path / "out") as out:
        pump([[b"a"]], judge, out, side, Tally())
    assert side.artifacts == {}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_side_artifacts_go_with_their_stage_when_it_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with SideArtifacts(tmp_path, "filter") as side, write_artifact(tmp_path / "out") as out:
            pump([[b"d", b"q"]], judge, out, side, Tally())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("record", [b'{"a":' * 100_000, b'{"a":"\xff"}', b"{", b'{"a":1} x'])
def test_a_record_that_is_not_json_is_kept_to_the_byte(record: bytes, tmp_path: Path) -> None:
    with SideArtifacts(tmp_path, "map") as side:
        side.add_quarantined(Quarantined("event_not_an_object", None), record)
    (entry,) = read_entries(side.artifacts["quarantined"])
    assert base64.b64decode(entry["record_base64"]) == record
