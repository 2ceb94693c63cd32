"""Extract: the pages of a window, staged. A try that ends early leaves what it has read to the next one.

Pages are staged in parts, each a whole artifact. A note names the parts and the tokens of the pages; it is written
after the part, so that a page is in a part that the note names, or is read again. At the end the parts are joined and
removed with the note: a run that is cleared after that reads its window anew.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
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

#: Pages of a part, which a killed process has to read again. Fewer would cost more time than they save.
PAGES_PER_PART = 10
_EXTRACT, _PART, _NOTE = f"extract{SUFFIX}", "extract.part", f"extract.pages{SUFFIX}"
#: Returns the pages of a window, from the last of the given page tokens on.
Fetch = Callable[[Window, Sequence[str]], Iterable[Page]]


class Part(Struct, frozen=True):
    """A part of the extract, as its note names it."""

    name: str
    records: int
    digest: str


class Note(Struct, frozen=True):
    """What has been read of a window. question: what was asked for; tokens: one for each page, of the next page."""

    question: str
    window: Window
    tokens: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    def artifacts(self, directory: Any) -> list[Artifact]:
        """Return the parts."""
        return [Artifact(directory / part.name, part.records, part.digest) for part in self.parts]


class StaleNoteError(StagingError):
    """What an earlier try has left cannot be continued."""


def extract(fetch: Fetch, window: Window, question: str, directory: Any) -> StageResult:
    """Write the events of all pages to the extract artifact; continue where an earlier try of the run stopped.

    question: all that decides about the events beside the window. What another question has left is not continued.
    Raises the errors of `fetch`, once what was read before is staged.
    """
    note = _find_note(directory, question)
    if note is not None:
        staged = sum(part.records for part in note.parts)
        log.info("Continuing at page %d: %d events are staged.", len(note.tokens) + 1, staged)
        try:
            return _Extraction(fetch, directory, note).run()
        except StaleNoteError as err:
            log.warning("Starting over at page 1: %s", err)
            _forget(directory)
    return _Extraction(fetch, directory, Note(question, window)).run()


@dataclass
class _Extraction:
    """One try. error: why no more pages can be read now."""

    fetch: Fetch
    directory: Any
    note: Note
    pages: Iterator[Page] = field(init=False)
    tokens: list[str | None] = field(init=False)
    is_over: bool = False
    error: Exception | None = None

    def __post_init__(self) -> None:
        self.pages, self.tokens = iter(self.fetch(self.note.window, self.note.tokens)), [*self.note.tokens]

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
        """Stage the next pages; if they are all there are, they are the artifact."""
        before, path = len(self.tokens), self.directory / _EXTRACT
        name = f"{_PART}{len(self.note.parts) + 1}-{secrets.token_hex(4)}{SUFFIX}"
        with write_artifact(self.directory / name) as out:
            for page in self._take(PAGES_PER_PART):
                out.write_all(page.events)
            if self.error is not None and len(self.tokens) == before:
                raise self._judge(self.error)
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
            except Exception as err:  # raised again once what was read is staged
                self.error = err
                return
            self.tokens.append(page.token)
            yield page

    def _keep(self, part: Artifact) -> None:
        """Add a part to the note, and write the note unless the last page is reached."""
        parts = (*self.note.parts, Part(part.path.name, part.records, part.digest or ""))
        tokens = tuple(token for token in self.tokens if token is not None)
        self.note = Note(self.note.question, self.note.window, tokens, parts)
        if len(tokens) == len(self.tokens):
            with write_artifact(self.directory / _NOTE) as out:
                out.write(msgspec.json.encode(self.note))

    def _join(self) -> Artifact:
        try:
            with write_artifact(self.directory / _EXTRACT) as out:
                for part in self.note.artifacts(self.directory):
                    out.append(part)
        except (DamagedArtifactError, FileNotFoundError):
            _forget(self.directory)
            raise StaleNoteError("A part of the extract is damaged or gone; the window is read again.") from None
        return out.artifact

    def _judge(self, error: Exception) -> Exception:
        """Return the error to raise: a page token of an earlier try may have become invalid."""
        is_refused = isinstance(error, RequestRefusedError) and error.status is not None
        if is_refused and self.note.tokens and len(self.tokens) == len(self.note.tokens):
            return StaleNoteError(f"{error} The page token of the earlier try is no longer valid.")
        return error


def _find_note(directory: Any, question: str) -> Note | None:
    """Return the note of an earlier try that asked the same, None if there is none that can be read."""
    path = directory / _NOTE
    if not path.exists():
        return None
    try:
        ((text,),) = read_artifact(Artifact(path, 1))
        note = msgspec.json.decode(text, type=Note)
    except (DamagedArtifactError, FileNotFoundError, ValueError):
        return None
    return note if note.question == question else None


def _forget(directory: Any) -> None:
    """Remove note and parts, the note first: what is left of them after a kill is not continued.

    With their drafts and those of the artifact: a process that Airflow has given up publishes nothing after this one.
    """
    (directory / _NOTE).unlink(missing_ok=True)
    remove_drafts(directory / _EXTRACT)
    for path in list(directory.iterdir()):
        if path.name.lstrip(".").startswith((_PART, _NOTE)):  # drafts too
            path.unlink(missing_ok=True)
