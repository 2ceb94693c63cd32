"""Extract: stage the pages of a window. If a try ends early, the next one continues with what it has read.

Pages are staged in parts, each a complete artifact. A note lists the parts and the page tokens. It is written after
the part, so a page is either in a listed part or read again. At the end the parts are joined, and removed with the
note: if the run is cleared after that, it reads its window again.

If the source refuses a page that it has linked to (the page token has expired, or the number of pages is limited), the
window is read again from its start in twice as many pieces, each with its own pages.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import Struct

from ci_operators.core.errors import DamagedArtifactError, RequestRefusedError, StagingError
from ci_operators.core.tally import Tally
from ci_operators.core.window import Window
from ci_operators.stages.run import StageResult
from ci_operators.staging.artifact import SUFFIX, Artifact, read_artifact, write_artifact
from ci_operators.staging.private import remove_drafts
from ci_operators.transport.paging import Page

log = logging.getLogger(__name__)

#: Pages of a part, which a killed process must read again. Fewer would take more time than they save.
PAGES_PER_PART = 10
#: The most pieces of a window, and the shortest one.
MOST_PIECES, SHORTEST_PIECE = 1024, timedelta(seconds=1)
_EXTRACT, _PART, _NOTE = f"extract{SUFFIX}", "extract.part", f"extract.pages{SUFFIX}"
#: Returns the pages of a window after the last of the given page tokens.
Fetch = Callable[[Window, Sequence[str]], Iterable[Page]]


class Part(Struct, frozen=True):
    """A part of the extract, as listed in its note."""

    name: str
    records: int
    digest: str


class Note(Struct, frozen=True):
    """What has been read of a window.

    question: the request; pieces: the number of pieces of the window; tokens: for each page, that of the next page.
    """

    question: str
    window: Window
    pieces: int
    tokens: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    def artifacts(self, directory: Any) -> list[Artifact]:
        """Return the parts."""
        return [Artifact(directory / part.name, part.records, part.digest) for part in self.parts]


class StaleNoteError(StagingError):
    """The pages of an earlier try cannot be continued."""


class RefusedPageError(StaleNoteError):
    """The source refuses a page that it has linked to. status: the HTTP status."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


def extract(fetch: Fetch, window: Window, question: str, directory: Any) -> StageResult:
    """Write the events of all pages to the extract artifact. Continue where an earlier try of the run stopped.

    question: all that determines the events besides the window. Pages of another question are not continued.
    Raises the errors of `fetch` after staging the pages read before.
    """
    note = _find_note(directory, question) or Note(question, window, 1)
    if not note.tokens:  # nothing was read: the window of now, from which the source may have deleted the beginning
        note = Note(question, window, note.pieces)
    else:
        staged = sum(part.records for part in note.parts)
        log.info("Continuing at page %d: %d events are staged.", len(note.tokens) + 1, staged)
    while True:
        try:
            return _Extraction(fetch, directory, note).run()
        except RefusedPageError as err:
            note = _check_pieces(Note(question, window, 2 * note.pieces), err)
            log.warning("Starting over at page 1, in %d pieces of the window: %s", note.pieces, err)
        except StaleNoteError as err:
            if not note.tokens:
                raise
            note = Note(question, window, note.pieces)
            log.warning("Starting over at page 1: %s", err)
        _forget(directory)
        _write_note(directory, note)


def _check_pieces(note: Note, refusal: RefusedPageError) -> Note:
    """Return the note. Raise the refusal if the note's pieces are too many or too short."""
    length = (note.window.until - note.window.since) / note.pieces
    if note.pieces > MOST_PIECES or length < SHORTEST_PIECE:
        raise RequestRefusedError(f"{refusal} Smaller pieces of the window did not help.", status=refusal.status)
    return note


def read_pieces(fetch: Fetch, window: Window, pieces: int, tokens: Sequence[str] = ()) -> Iterator[Page]:
    """Yield the pages of each piece of a window after the last of the given tokens.

    A token is the number of a piece and the source's token in it. The latter is "" for the first page, which a vendor
    cannot refuse for its age or number. Raises RefusedPageError if the source refuses a token.
    """
    last = tokens[-1] if tokens else "0:"
    begin = int(last.partition(":")[0])
    for number, piece in list(enumerate(window.cut(pieces)))[begin:]:
        prefix = f"{number}:"
        inner = [token.removeprefix(prefix) for token in tokens if token.startswith(prefix) and token != prefix]
        following = f"{number + 1}:" if number + 1 < pieces else None
        for page in _watch(fetch(piece, inner), is_linked=bool(inner)):
            yield replace(page, token=following if page.token is None else prefix + page.token)


def _watch(pages: Iterable[Page], *, is_linked: bool) -> Iterator[Page]:
    """Yield the pages. Raise RefusedPageError if the source refuses a page that another page has linked to."""
    left = iter(pages)
    while True:
        try:
            page = next(left)
        except StopIteration:
            return
        except RequestRefusedError as err:
            if err.status is None or not is_linked:
                raise
            raise RefusedPageError(f"{err} The page before had linked to it.", status=err.status) from err
        is_linked = True
        yield page


@dataclass
class _Extraction:
    """One try. error: why no more pages can be read."""

    fetch: Fetch
    directory: Any
    note: Note
    pages: Iterator[Page] = field(init=False)
    tokens: list[str | None] = field(init=False)
    is_over: bool = False
    error: Exception | None = None

    def __post_init__(self) -> None:
        note, self.tokens = self.note, [*self.note.tokens]
        self.pages = read_pieces(self.fetch, note.window, note.pieces, note.tokens)

    def run(self) -> StageResult:
        """Read to the last page and join the parts."""
        artifact = self._write_part()
        while not self.is_over:
            artifact = self._write_part()
        if self.note.parts:
            artifact = self._join()
        _forget(self.directory)
        tally = Tally(records_in=artifact.records, records_out=artifact.records)
        return StageResult(tally, artifact, extra={"pages": len(self.tokens)})

    def _write_part(self) -> Artifact:
        """Stage the next pages. If there are no others, they become the artifact."""
        before, path = len(self.tokens), self.directory / _EXTRACT
        name = f"{_PART}{len(self.note.parts) + 1}-{secrets.token_hex(4)}{SUFFIX}"
        with write_artifact(self.directory / name) as out:
            for page in self._take(PAGES_PER_PART):
                out.write_all(page.events)
            if self.error is not None and (len(self.tokens) == before or isinstance(self.error, RefusedPageError)):
                raise self.error
            if self.is_over and not self.note.parts:
                out.path = path
        if out.path != path:
            self._keep(out.artifact)
        if self.error is not None:
            raise self.error
        return out.artifact

    def _take(self, most: int) -> Iterator[Page]:
        for _ in range(most):
            try:
                page = next(self.pages)
            except StopIteration:
                self.is_over = True
                return
            except Exception as err:  # raised again after the pages read are staged
                self.error = err
                return
            self.tokens.append(page.token)
            yield page

    def _keep(self, part: Artifact) -> None:
        """Add a part to the note. Write the note unless this was the last page."""
        parts = (*self.note.parts, Part(part.path.name, part.records, part.digest or ""))
        tokens = tuple(token for token in self.tokens if token is not None)
        self.note = msgspec.structs.replace(self.note, tokens=tokens, parts=parts)
        if len(tokens) == len(self.tokens):
            _write_note(self.directory, self.note)

    def _join(self) -> Artifact:
        try:
            with write_artifact(self.directory / _EXTRACT) as out:
                for part in self.note.artifacts(self.directory):
                    out.append(part)
        except (DamagedArtifactError, FileNotFoundError):
            _forget(self.directory)
            raise StaleNoteError("A part of the extract is damaged or gone; the window is read again.") from None
        return out.artifact


def _write_note(directory: Any, note: Note) -> None:
    with write_artifact(directory / _NOTE) as out:
        out.write(msgspec.json.encode(note))


def _find_note(directory: Any, question: str) -> Note | None:
    """Return the note of an earlier try with the same question, or None if there is no readable one."""
    path = directory / _NOTE
    if not path.exists():
        return None
    try:
        ((text,),) = read_artifact(Artifact(path, 1))
        note = msgspec.json.decode(text, type=Note)
    except (DamagedArtifactError, FileNotFoundError, ValueError, msgspec.MsgspecError):
        return None
    return note if note.question == question else None


def _forget(directory: Any) -> None:
    """Remove the note first, then the parts: after a kill in between, they are not continued.

    Remove drafts too, and those of the artifact: a process that Airflow has given up then cannot publish them.
    """
    (directory / _NOTE).unlink(missing_ok=True)
    remove_drafts(directory / _EXTRACT)
    for path in list(directory.iterdir()):
        if path.name.lstrip(".").startswith((_PART, _NOTE)):  # drafts too
            path.unlink(missing_ok=True)
