"""One page of a run's records in the making: artifacts are read until the page is full, or has cost enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ci_operators.answers.question import WrongQuestionError
from ci_operators.answers.run.blocks import ArtifactError, Block, measure, read_blocks
from ci_operators.answers.run.cursor import Cursor
from ci_operators.answers.run.files import RunFiles, StagedFile
from ci_operators.answers.run.record import UNREADABLE, Candidate, KnownState, LookUp, Record, RecordReader
from ci_operators.answers.run.search import RecordQuery

#: Lines that are read, and looked up in the ledger, at once.
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """When a page ends though there may be more: records found, bytes of text read, seconds."""

    records: int = 50
    text_bytes: int = 1 << 28
    seconds: float = 2.0
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Some of a run's records. cursor: asks for the next ones, None at the end; searched: records looked at."""

    records: list[Record]
    cursor: str | None = None
    searched: int = 0
    note: str = ""


@dataclass
class Scan:
    """The page. refused: keys of detections that show elsewhere; keeps: whether candidates are kept whole;
    problems: a sentence for each artifact that could not be read to its end."""

    query: RecordQuery
    reader: RecordReader
    limits: Limits
    look_up: LookUp | None = None
    refused: frozenset[bytes] = frozenset()
    keeps: bool = False
    records: list[Record] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    searched: int = 0
    text_bytes: int = 0
    unreadable: int = 0
    problems: list[str] = field(default_factory=list)
    begun: float = 0.0

    def __post_init__(self) -> None:
        self.begun = self.limits.clock()

    @property
    def is_over(self) -> bool:
        """Return whether the page has all that it may have."""
        return (
            len(self.records) >= self.limits.records
            or self.text_bytes >= self.limits.text_bytes
            or self.limits.clock() - self.begun >= self.limits.seconds
        )

    def read(self, file: StagedFile, place: Cursor | None = None) -> Cursor | None:
        """Take the wanted records of a file; return where to go on, None at its end."""
        try:
            size = measure(file.path)
            place = place or Cursor(self.query.fingerprint, file.name, size=size)
            if place.size != size:
                raise WrongQuestionError("The run's artifacts have changed since the page before: begin again.")
            return self._read_from(file, place)
        except ArtifactError as err:
            self.problems.append(str(err))
        except ValueError:
            raise WrongQuestionError("The cursor is none of ours: begin again with the first page.") from None
        return None

    def _read_from(self, file: StagedFile, place: Cursor) -> Cursor | None:
        passed = place.passed
        for block in read_blocks(file.path, place.offset):
            for end, count in self._take(block, file):
                passed += count
                if self.is_over:
                    return Cursor(place.question, file.name, end, passed, place.size)
        if passed < file.expected:
            raise ArtifactError(
                f"The artifact {file.path.name} holds {passed} of {file.expected} records: clear the run from its "
                "stage on."
            )
        return None

    def page(self, cursor: str | None) -> RecordPage:
        """Return what was found."""
        left_out = f"{self.unreadable} lines of the artifacts are no records and were left out."
        notes = [*self.problems, *((left_out,) if self.unreadable else ())]
        return RecordPage(self.records, cursor, self.searched, " ".join(notes))

    def _take(self, block: Block, file: StagedFile) -> Iterator[tuple[int, int]]:
        """Take the wanted records of a block piece by piece; yield where each piece ends, and how many it had."""
        self.text_bytes += len(block.text)
        asks = self.look_up is not None and self.query.needs_states(file)
        if not asks and not self.query.may_stand_in(block.text):
            count = block.text.count(b"\n")
            self.searched += count
            yield block.end, count
            return
        for batch in _batches(block.lines(), _BATCH):
            yield self._take_lines(batch, file, asks=asks)

    def _take_lines(self, lines: list[tuple[bytes, int]], file: StagedFile, *, asks: bool) -> tuple[int, int]:
        """Take the wanted records of some lines until the page is full; return where, and after how many.

        asks: whether only what the ledger says of a record tells whether it is wanted.
        """
        found = list(self._find_candidates(lines, file, asks=asks))
        states = self._find_states(candidate for _, candidate in found)
        for number, candidate in found:
            known = states.get(candidate.key) if candidate.key else None
            record = self.reader.add_state(candidate, known, sorts=bool(file.codes))
            if self.query.matches(record):
                line, end = lines[number]
                place = "" if record.event_id else f"{file.name}:{end - len(line) - 1}"
                self.records.append(replace(record, place=place) if place else record)
                self.candidates += [candidate] if self.keeps else []
                if len(self.records) >= self.limits.records:
                    self.searched += number + 1
                    return lines[number][1], number + 1
        self.searched += len(lines)
        return lines[-1][1], len(lines)

    def _find_candidates(
        self, lines: list[tuple[bytes, int]], file: StagedFile, *, asks: bool
    ) -> Iterator[tuple[int, Candidate]]:
        for number, (line, _) in enumerate(lines):
            if not asks and not self.query.may_stand_in(line):
                continue
            try:
                candidate = self.reader.read(line, file.fate, file.stage)
            except UNREADABLE:
                self.unreadable += 1
                continue
            is_shown_before = file.fate == "detection" and candidate.key in self.refused
            if not is_shown_before and (asks or self.query.matches(candidate.record)):
                yield number, candidate

    def _find_states(self, found: Iterable[Candidate]) -> Mapping[bytes, KnownState]:
        keys = [candidate.key for candidate in found if candidate.key]
        return self.look_up(keys) if keys and self.look_up is not None else {}


def read_place(files: RunFiles, reader: RecordReader, place: str) -> Candidate:
    """Return the record at a place of the run's artifacts. Raises WrongQuestionError if none is there."""
    name, _, offset = place.rpartition(":")
    try:
        file = next(file for file in files.settled() if file.name == name and offset.isdecimal())
        block = next(read_blocks(file.path, int(offset[:18])))
        return reader.read(next(block.lines())[0], file.fate, file.stage)
    except (StopIteration, ValueError, ArtifactError, *UNREADABLE):
        raise WrongQuestionError("No record of the run is at this place: look for it in the table again.") from None


def _batches(lines: Iterator[tuple[bytes, int]], size: int) -> Iterator[list[tuple[bytes, int]]]:
    batch: list[tuple[bytes, int]] = []
    for line in lines:
        batch.append(line)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
