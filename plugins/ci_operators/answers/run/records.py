"""The records of one run, a page at a time, from its artifacts; the work of each page is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from ci_operators.answers.question import WrongQuestionError
from ci_operators.answers.run.blocks import ArtifactError, measure, read_blocks
from ci_operators.answers.run.cursor import Cursor, read_cursor, write_cursor
from ci_operators.answers.run.files import RunFiles, StagedFile
from ci_operators.answers.run.ledger_records import LedgerRun, find_ledger_records
from ci_operators.answers.run.record import UNREADABLE, LookUp, RecordReader
from ci_operators.answers.run.scan import Limits, RecordPage, Scan
from ci_operators.answers.run.search import RecordQuery

#: Refused detections that are kept in mind, so that they show once; of more, each shows twice.
_MOST_REFUSED = 20_000


def find_records(
    files: RunFiles,
    query: RecordQuery,
    reader: RecordReader,
    cursor: str | None = None,
    limits: Limits | None = None,
    look_up: LookUp | None = None,
) -> RecordPage:
    """Return the wanted records from the cursor on, stage by stage.

    look_up: what the ledger knows of detections, None for a debug run. What cannot be read is left out, and the
    page's note says so. Raises WrongQuestionError for a cursor that is none, or no longer.
    """
    wanted = [file for file in files.settled() if query.wants_file(file)]
    place = read_cursor(cursor, query.fingerprint) if cursor else None
    has_detections = any(file.fate == "detection" for file in wanted)
    refused = frozenset(_read_refused(files, reader)) if has_detections else frozenset[bytes]()
    scan = Scan(query, reader, limits or Limits(), look_up, refused)
    for number, file in enumerate(_begin_at(wanted, place)):
        # Each page gets on, however slow the clock finds it: the first artifact is read from in any case.
        place = _begin(query, file) if number and scan.is_over else scan.read(file, place)
        if place is not None:
            return scan.page(write_cursor(place))
    return scan.page(None)


def _begin_at(wanted: list[StagedFile], place: Cursor | None) -> list[StagedFile]:
    """Return the artifacts from a place on."""
    if place is None:
        return wanted
    names = [file.name for file in wanted]
    if place.file not in names:
        raise WrongQuestionError("The run's artifacts have changed since the page before: begin again.")
    return wanted[names.index(place.file) :]


def find_table(
    files: RunFiles,
    query: RecordQuery,
    reader: RecordReader,
    cursor: str | None = None,
    limits: Limits | None = None,
    look_up: LookUp | None = None,
    ledger: LedgerRun | None = None,
) -> RecordPage:
    """Return what `find_records` returns; where artifacts of the run are gone, what the ledger still has of it."""
    gone = check_artifacts(files)
    if not gone or ledger is None:
        return find_records(files, query, reader, cursor, limits, look_up)
    page = find_ledger_records(ledger, query, cursor, limits)
    return replace(page, note=f"{gone} {page.note}")


def check_artifacts(files: RunFiles) -> str:
    """Return "" if all artifacts of the run are there, else the sentence that says why not."""
    for file in files.settled():
        try:
            measure(file.path)
        except ArtifactError as err:
            return str(err)
    return ""


def _read_refused(files: RunFiles, reader: RecordReader) -> Iterator[bytes]:
    """Yield the keys of the detections that submit quarantined: they stand among the detections too."""
    file = files.refused()
    if file is None or file.expected > _MOST_REFUSED:
        return
    with suppress(ArtifactError, ValueError):  # its own page tells of it
        for block in read_blocks(file.path):
            for line, _ in block.lines():
                with suppress(*UNREADABLE):
                    if key := reader.read(line, file.fate, file.stage).key:
                        yield key


def _begin(query: RecordQuery, file: StagedFile) -> Cursor:
    try:
        return Cursor(query.fingerprint, file.name, size=measure(file.path))
    except ArtifactError:
        return Cursor(query.fingerprint, file.name)  # the next page tells of it
