"""One page in the making: it stops where it has enough, and goes on from there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ci_operators.answers.run.scan import Limits, Scan
from ci_operators.answers.run.search import RecordQuery
from tests.answers.run.test_record import Known
from tests.answers.staged_run import READER, StagedRun, event


def test_it_looks_up_what_it_shows_and_no_more(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([event(number) for number in range(1000)])
    asked = list[int]()

    def look_up(keys: Sequence[bytes]) -> dict[bytes, Known]:
        asked.append(len(keys))
        return {key: Known("accepted") for key in keys}

    (file,) = run.files.settled()
    scan = Scan(RecordQuery(), READER, Limits(records=50), look_up)
    place = scan.read(file)
    assert place is not None
    assert (place.passed, len(scan.records), scan.searched, sum(asked)) == (50, 50, 50, 200)
    assert {record.state for record in scan.records} == {"accepted"}
    rest = Scan(RecordQuery(), READER, Limits(records=5000), look_up)
    assert rest.read(file, place) is None
    assert rest.records[0].event_id == "event-00050"
    assert len(rest.records) == 950


def test_candidates_are_kept_where_they_are_needed(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([event(1), event(2, actor=None)])
    for keeps in (True, False):
        scan = Scan(RecordQuery(event_id="event-00001"), READER, Limits(), keeps=keeps)
        for file in run.files.settled():
            assert scan.read(file) is None
        assert [record.event_id for record in scan.records] == ["event-00001"]
        assert len(scan.candidates) == keeps


def test_refused_detections_show_elsewhere(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([event(1), event(2)])
    (file,) = run.files.settled()
    whole = Scan(RecordQuery(), READER, Limits(), keeps=True)
    whole.read(file)
    key = whole.candidates[0].key
    assert key is not None
    scan = Scan(RecordQuery(), READER, Limits(), refused=frozenset({key}))
    scan.read(file)
    assert [record.event_id for record in scan.records] == ["event-00002"]
