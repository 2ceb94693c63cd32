"""The table of a run's records: complete, in pages, searchable like a naive filter, within limits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.answers.question import Limits, WrongQuestionError
from ci_operators.answers.run.artifacts import check_artifacts
from ci_operators.answers.run.query import FATES, RecordQuery, read_cursor, write_cursor
from ci_operators.answers.run.record import LookUp, Record, RecordReader
from ci_operators.answers.run.records import Scan, find_records
from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.ledger.trail import DeliveredDetection
from ci_operators.staging.artifact import write_artifact
from tests.answers.staged_run import OKTA, READER, WORDING, StagedRun, event, follow, known, mixed_events
from tests.artifacts import read_all

BEGAN = datetime(2026, 3, 10, 13, tzinfo=UTC)
EVERYTHING = Limits(records=10_000)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> StagedRun:
    """A run of 400 events with every outcome."""
    return StagedRun(tmp_path_factory.mktemp("run")).run(mixed_events(400))


def find_all(
    run: StagedRun, query: RecordQuery, limits: Limits, reader: RecordReader = READER, look_up: LookUp | None = None
) -> list[Record]:
    """Follow the cursors to the end."""
    return follow(lambda cursor: find_records(run.files, query, reader, cursor, limits, look_up))


def test_every_event_has_one_record(mixed: StagedRun) -> None:
    page = find_records(mixed.files, RecordQuery(), READER, limits=EVERYTHING)
    assert (len(page.records), page.searched, page.cursor, page.note) == (400, 400, None, "")
    assert len({record.event_id for record in page.records}) == 361  # 40 of them have one id
    assert check_artifacts(mixed.files) == ""


@pytest.mark.parametrize("size", [1, 7, 50, 399, 400])
def test_pages_cover_all_exactly_once(mixed: StagedRun, size: int) -> None:
    whole = find_all(mixed, RecordQuery(), EVERYTHING)
    assert find_all(mixed, RecordQuery(), Limits(records=size)) == whole


def test_figures_and_records_agree(mixed: StagedRun) -> None:
    for stage, kind in (("filter", "dropped"), ("map", "quarantined")):
        for code, total in mixed.manifests[stage][kind].items():
            assert len(find_all(mixed, RecordQuery(kind, code, stage), EVERYTHING)) == total
    assert len(find_all(mixed, RecordQuery("detection"), EVERYTHING)) == mixed.manifests["validate"]["records_out"]


_SEARCHES = st.sampled_from(
    ["event-0001", "EVENT-00", "198.51.100.2", "missing_actor", "t1110", "ÄÖ", "äö", "\\", '"', "\\\"'", "-", "reason"]
) | st.text("evnt-0159.ÄÖ\\\"'_acm", max_size=4)


@given(st.sampled_from(FATES), st.sampled_from(["", "filter", "validate"]), _SEARCHES, st.integers(1, 60))
def test_searching_equals_a_naive_filter(mixed: StagedRun, fate: str, stage: str, search: str, size: int) -> None:
    query = RecordQuery.of(fate, "", stage, search)
    everything = find_all(mixed, RecordQuery(), EVERYTHING)
    text = query.search
    lowered = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

    def is_wanted(record: Record) -> bool:
        texts = [record.event_id, record.indicator, record.code, *record.codes]
        has_text = any(text.translate(lowered) in each.translate(lowered) for each in texts if each)
        return fate in ("all", record.fate) and stage in ("", record.stage) and (not text or has_text)

    assert find_all(mixed, query, Limits(records=size)) == [each for each in everything if is_wanted(each)]


@given(st.lists(st.sampled_from(["accepted", "before", "rejected", "unknown", None]), min_size=1, max_size=30))
def test_states_are_searched_as_a_naive_filter_would(
    tmp_path_factory: pytest.TempPathFactory, states: Sequence[str | None]
) -> None:
    run = StagedRun(tmp_path_factory.mktemp("run")).run([event(number) for number in range(len(states))])
    fates: dict[str | None, Dropped | Quarantined] = {
        "before": Dropped("already_accepted", "x"),
        "rejected": Quarantined("rejected_by_api", "x", "no"),
    }
    run.submit([fates.get(state) for state in states])
    keys = [READER.read(line, "detection", "submit").key for line in read_all(run.directory / "validate.jsonl.zst")]
    states_of = {
        key: known("accepted", BEGAN - timedelta(1)) if state == "before" else known(state, BEGAN)
        for key, state in zip(keys, states, strict=True)
        if key and state
    }
    reader = RecordReader(OKTA.name, WORDING, began=BEGAN)

    def look_up(wanted: Sequence[bytes]) -> dict[bytes, DeliveredDetection]:
        return {key: states_of[key] for key in wanted if key in states_of}

    def number(query: RecordQuery, size: int = 4) -> int:
        return len(find_all(run, query, Limits(records=size), reader, look_up))

    assert number(RecordQuery()) == len(states)
    assert number(RecordQuery("dropped", "already_accepted", "submit")) == states.count("before")
    assert number(RecordQuery("detection")) == len(states) - states.count("before") - states.count("rejected")
    assert (
        number(RecordQuery("quarantined"))
        == number(RecordQuery("quarantined", "rejected_by_api"))
        == states.count("rejected")
    )
    assert number(RecordQuery(search="UNKNOWN")) == states.count("unknown")
    assert number(RecordQuery(search="accepted")) == states.count("accepted") + states.count("before")


def test_work_is_bounded_by_bytes_and_by_time(mixed: StagedRun) -> None:
    ticks, query = count(), RecordQuery(search="event-00399")
    for limits in (Limits(text_bytes=1), Limits(seconds=1.0, clock=lambda: float(next(ticks)))):
        page = find_records(mixed.files, query, READER, limits=limits)
        assert (page.records, page.searched, page.cursor is None) == ([], 120, False)
        assert len(find_all(mixed, query, limits)) == 1


def test_a_cursor_of_a_run_that_was_retried_is_refused(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run(mixed_events(100))
    cursor = find_records(run.files, RecordQuery(), READER, limits=Limits(records=5)).cursor
    StagedRun(tmp_path).run(mixed_events(90))
    with pytest.raises(WrongQuestionError, match="have changed since the last page"):
        find_records(run.files, RecordQuery(), READER, cursor)
    (tmp_path / "filter.dropped.jsonl.zst").unlink()
    with pytest.raises(WrongQuestionError, match="have changed"):
        find_records(StagedRun(tmp_path).run([event(7)]).files, RecordQuery(), READER, cursor)


def test_an_invented_position_is_refused(mixed: StagedRun) -> None:
    query = RecordQuery()
    text = find_records(mixed.files, query, READER, limits=Limits(records=5)).cursor
    assert text is not None
    cursor = read_cursor(text, query.fingerprint)
    for offset in (cursor.offset + 1, 10**9):
        wrong = write_cursor(type(cursor)(cursor.question, cursor.file, offset, 5, cursor.size))
        with pytest.raises(WrongQuestionError, match="is not valid"):
            find_records(mixed.files, query, READER, wrong)


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        (None, "was deleted, by retention or by hand."),
        *((keep, "has 0 of 12 records. Clear the run") for keep in (0, 3, 40)),
    ],
)
def test_missing_or_truncated_artifacts_are_reported(tmp_path: Path, keep: int | None, words: str) -> None:
    run = StagedRun(tmp_path).run(mixed_events())
    path = tmp_path / "filter.dropped.jsonl.zst"
    whole = path.read_bytes()
    path.unlink() if keep is None else path.write_bytes(whole[:keep])
    page = find_records(run.files, RecordQuery(), READER)
    assert len(page.records) == 28
    assert f"The artifact filter.dropped.jsonl.zst {words}" in page.note


def test_foreign_lines_are_left_out_and_reported(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run(mixed_events())
    with write_artifact(tmp_path / "filter.dropped.jsonl.zst") as out:
        out.write_all([b"<html>", b'{"reason":"missing_actor","event_id":"<b>x</b>\\u0000"}', b"{}", b"\xff"] * 3)
    page = find_records(run.files, RecordQuery("dropped"), READER)
    assert [record.event_id for record in page.records] == ["<b>x</b>\0"] * 3
    assert page.note == "9 lines of the artifacts are not records and were skipped."


def test_a_huge_field_never_reaches_a_page(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([event(1, actor={"displayName": "x" * 5_000_000}), event(2)])
    (record, other) = find_records(run.files, RecordQuery(), READER).records
    assert (record.code, record.detail, record.indicator) == ("indicator_not_an_address", "", None)
    assert other.event_id == "event-00002"


def test_it_looks_up_only_what_it_shows(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run([event(number) for number in range(1000)])
    asked = list[int]()

    def look_up(keys: Sequence[bytes]) -> dict[bytes, DeliveredDetection]:
        asked.append(len(keys))
        return {key: known("accepted") for key in keys}

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
