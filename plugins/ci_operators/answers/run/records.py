"""The records of one run from its artifacts, a page at a time. A page ends when it is full or has reached a limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ci_operators.answers.question import Limits, WrongQuestionError
from ci_operators.answers.run.artifacts import ArtifactError, Block, RunFiles, StagedFile, measure, read_blocks
from ci_operators.answers.run.query import Cursor, RecordQuery, read_cursor, write_cursor, wrong_cursor
from ci_operators.answers.run.record import UNREADABLE, Candidate, LookUp, Record, RecordReader
from ci_operators.ledger.trail import DeliveredDetection

#: The number of lines that are read, and looked up in the ledger, at once.
_BATCH = 200
#: The most rejected detections whose keys are remembered to show each only once. If there are more, each shows twice.
_MOST_REFUSED = 20_000


@dataclass(frozen=True, slots=True)
class RecordPage:
    """A page of a run's records. cursor: of the next page, None at the end; searched: number of records read."""

    records: list[Record]
    cursor: str | None = None
    searched: int = 0
    note: str = ""


def find_records(
    files: RunFiles,
    query: RecordQuery,
    reader: RecordReader,
    cursor: str | None = None,
    limits: Limits | None = None,
    look_up: LookUp | None = None,
) -> RecordPage:
    """Return the wanted records from the cursor on, stage by stage.

    look_up: returns what the ledger knows about detections, None for a debug run. What cannot be read is left out, and
    the page's note says so. Raises WrongQuestionError for a cursor that is invalid or outdated.
    """
    wanted = [file for file in files.settled() if query.wants_file(file)]
    place = read_cursor(cursor, query.fingerprint) if cursor else None
    has_detections = any(file.fate == "detection" for file in wanted)
    refused = frozenset(_read_refused(files, reader)) if has_detections else frozenset[bytes]()
    scan = Scan(query, reader, limits or Limits(), look_up, refused)
    for number, file in enumerate(_begin_at(wanted, place)):
        # The first artifact is always read from, so that each page makes progress even if it takes too long.
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
        raise _say_changed()
    return wanted[names.index(place.file) :]


def _say_changed() -> WrongQuestionError:
    return WrongQuestionError("The run's artifacts have changed since the last page. Start again with the first page.")


def _begin(query: RecordQuery, file: StagedFile) -> Cursor:
    try:
        return Cursor(query.fingerprint, file.name, size=measure(file.path))
    except ArtifactError:
        return Cursor(query.fingerprint, file.name)  # the next page reports the error


def _read_refused(files: RunFiles, reader: RecordReader) -> Iterator[bytes]:
    """Yield the keys of the detections that submit quarantined, which the artifact of the detections contains too."""
    file = files.refused()
    if file is None or file.expected > _MOST_REFUSED:
        return
    with suppress(ArtifactError, ValueError):  # its own page reports the error
        for block in read_blocks(file.path):
            for line, _ in block.lines():
                with suppress(*UNREADABLE):
                    if key := reader.read(line, file.fate, file.stage).key:
                        yield key


@dataclass
class Scan:
    """Reads one page. refused: keys of detections that are shown as quarantined; keeps: whether to keep candidates;
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
        """Return whether the page has reached one of its limits."""
        return (
            len(self.records) >= self.limits.records
            or self.text_bytes >= self.limits.text_bytes
            or self.limits.clock() - self.begun >= self.limits.seconds
        )

    def read(self, file: StagedFile, place: Cursor | None = None) -> Cursor | None:
        """Add the wanted records of a file; return where to continue, None at its end."""
        try:
            size = measure(file.path)
            place = place or Cursor(self.query.fingerprint, file.name, size=size)
            if place.size != size:
                raise _say_changed()
            return self._read_from(file, place)
        except ArtifactError as err:
            self.problems.append(str(err))
        except ValueError:
            raise wrong_cursor() from None
        return None

    def page(self, cursor: str | None) -> RecordPage:
        """Return the page with the records found so far."""
        left_out = f"{self.unreadable} lines of the artifacts are not records and were skipped."
        notes = [*self.problems, *((left_out,) if self.unreadable else ())]
        return RecordPage(self.records, cursor, self.searched, " ".join(notes))

    def _read_from(self, file: StagedFile, place: Cursor) -> Cursor | None:
        passed = place.passed
        for block in read_blocks(file.path, place.offset):
            for end, count in self._take(block, file):
                passed += count
                if self.is_over:
                    return Cursor(place.question, file.name, end, passed, place.size)
        if passed < file.expected:
            raise ArtifactError(
                f"The artifact {file.path.name} has {passed} of {file.expected} records. Clear the run from its "
                "stage on."
            )
        return None

    def _take(self, block: Block, file: StagedFile) -> Iterator[tuple[int, int]]:
        """Add the wanted records of a block in pieces; yield where each piece ends, and how many lines it had."""
        self.text_bytes += len(block.text)
        asks = self.look_up is not None and self.query.needs_states(file)
        if not asks and not self.query.may_be_in(block.text):
            count = block.text.count(b"\n")
            self.searched += count
            yield block.end, count
            return
        lines = list(block.lines())
        for begin in range(0, len(lines), _BATCH):
            yield self._take_lines(lines[begin : begin + _BATCH], file, asks=asks)

    def _take_lines(self, lines: list[tuple[bytes, int]], file: StagedFile, *, asks: bool) -> tuple[int, int]:
        """Add the wanted records of some lines until the page is full; return where it ended, and after how many.

        asks: whether the states in the ledger decide which records are wanted.
        """
        found = list(self._find_candidates(lines, file, asks=asks))
        states = self._find_states(candidate for _, candidate in found)
        for number, candidate in found:
            known = states.get(candidate.key) if candidate.key else None
            record = self.reader.add_state(candidate, known, sorts=bool(file.codes))
            if self.query.matches(record):
                line, end = lines[number]
                place = "" if record.event_id else f"{file.name}:{end - len(line) - 1}"
                self.records.append(replace(record, place=place))
                self.candidates += [candidate] if self.keeps else []
                if len(self.records) >= self.limits.records:
                    self.searched += number + 1
                    return end, number + 1
        self.searched += len(lines)
        return lines[-1][1], len(lines)

    def _find_candidates(
        self, lines: list[tuple[bytes, int]], file: StagedFile, *, asks: bool
    ) -> Iterator[tuple[int, Candidate]]:
        for number, (line, _) in enumerate(lines):
            if not asks and not self.query.may_be_in(line):
                continue
            try:
                candidate = self.reader.read(line, file.fate, file.stage)
            except UNREADABLE:
                self.unreadable += 1
                continue
            is_shown_before = file.fate == "detection" and candidate.key in self.refused
            if not is_shown_before and (asks or self.query.matches(candidate.record)):
                yield number, candidate

    def _find_states(self, found: Iterable[Candidate]) -> Mapping[bytes, DeliveredDetection]:
        keys = [candidate.key for candidate in found if candidate.key]
        return self.look_up(keys) if keys and self.look_up is not None else {}
