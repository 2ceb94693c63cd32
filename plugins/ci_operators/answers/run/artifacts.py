"""The artifacts of one run: what each contains, and how to read it in blocks from any line on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

import zstandard

from ci_operators.answers.run.manifests import FoundManifest
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.staging.artifact import CHUNK_BYTES, SUFFIX, StagingPath

#: The reason with which submit drops a detection. It stages no list of these: the ledger knows when each was delivered.
ARRIVED = "already_accepted"
#: Vendors' events have kilobytes, a thousandth of this. A few compressed bytes can expand to a huge line, and a line is
#: held in memory.
LONGEST_LINE = 1 << 24


class ArtifactError(CollectiveInsightsError):
    """An artifact cannot be read. The message says why."""


class ArtifactGoneError(ArtifactError):
    """An artifact does not exist, or no longer."""


@dataclass(frozen=True, slots=True)
class StagedFile:
    """An artifact whose records all have one outcome: "dropped", "quarantined", "detection", or "event" before any.

    stage: the one that decided it. expected: the number of records by its stage's manifest. codes: the reasons or
    issues of the records; for detections, the reasons with which submit can have dropped them.
    """

    fate: str
    stage: str
    path: StagingPath
    expected: int
    codes: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Return the name, unique among the artifacts of the run."""
        return self.path.name.removesuffix(SUFFIX)


@dataclass(frozen=True, slots=True)
class RunFiles:
    """Where a run's artifacts are, and what the manifests of its stages say about them.

    A stage that has not finished has no manifest. What an earlier try of it left does not count.
    """

    directory: Any  # a StagingPath
    stages: Mapping[str, FoundManifest]

    def events(self) -> StagedFile | None:
        """Return the artifact of the events as the source returned them, None if extract has not finished."""
        extract = self.stages.get("extract")
        return self._file("event", "extract", "extract", extract.tally.records_out) if extract else None

    def settled(self) -> list[StagedFile]:
        """Return the artifacts that together have every record whose outcome is known, in the order of the stages."""
        detections = self.detections()
        return [*self._sides(), *([detections] if detections else [])]

    def detections(self) -> StagedFile | None:
        """Return the artifact of the detections from the last stage that wrote some; None before there are any."""
        stage = next((stage for stage in ("validate", "map") if stage in self.stages), None)
        if stage is None or not self.stages[stage].artifact or not self.stages[stage].tally.records_out:
            return None
        submit = self.stages.get("submit")
        arrived = frozenset({ARRIVED}.intersection(submit.tally.dropped)) if submit else frozenset[str]()
        count = self.stages[stage].tally.records_out
        return self._file("detection", "submit" if submit else stage, stage, count, arrived)

    def refused(self) -> StagedFile | None:
        """Return the artifact of the detections that submit quarantined; `detections()` contains these too."""
        return next((file for file in self._sides() if file.name == "submit.quarantined"), None)

    def _sides(self) -> Iterator[StagedFile]:
        for stage, found in self.stages.items():
            for kind, codes in (("dropped", found.tally.dropped), ("quarantined", found.tally.quarantined)):
                if found.has_side(kind):
                    yield self._file(kind, stage, f"{stage}.{kind}", codes.total(), frozenset(codes))

    def _file(self, fate: str, stage: str, name: str, expected: int, codes: frozenset[str] = frozenset()) -> StagedFile:
        return StagedFile(fate, stage, self.directory / f"{name}{SUFFIX}", expected, codes)


def check_artifacts(files: RunFiles) -> str:
    """Return "" if all artifacts of the run exist, else a sentence that says why not."""
    for file in files.settled():
        try:
            measure(file.path)
        except ArtifactError as err:
            return str(err)
    return ""


def measure(path: StagingPath) -> int:
    """Return the artifact's size in bytes. It changes when a retry writes the artifact again."""
    try:
        return int(path.stat().st_size)
    except OSError as err:
        raise _find_error(path, err) from None


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of an artifact's text. start: their position in it, in bytes."""

    start: int
    text: bytes

    @property
    def end(self) -> int:
        """Return the position where the next block begins."""
        return self.start + len(self.text)

    def lines(self) -> Iterator[tuple[bytes, int]]:
        """Yield each line with the position where the next one begins."""
        end = self.start
        for line in self.text.split(b"\n")[:-1]:
            end += len(line) + 1
            yield line, end


def read_blocks(path: StagingPath, start: int = 0) -> Iterator[Block]:
    """Yield the text from the line at `start` on. One block at a time is in memory.

    Raises ArtifactError if the file is damaged or incomplete, ValueError if no line begins at `start`.
    """
    try:
        with path.open("rb") as file:
            yield from _cut_blocks(path.name, _read_text(file, start), start)
    except zstandard.ZstdError:
        raise ArtifactError(f"The artifact {path.name} is damaged. Clear the run from its stage on.") from None
    except OSError as err:
        raise _find_error(path, err) from None


def _read_text(file: IO[bytes], start: int) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor()
    with decompressor.stream_reader(file, read_across_frames=True, closefd=False) as text:
        left, last = start, b"\n"
        while left > 0:
            skipped = text.read(min(left, CHUNK_BYTES))
            if not skipped:
                raise ValueError(f"the text ends before {start}")
            left, last = left - len(skipped), skipped[-1:]
        if last != b"\n":
            raise ValueError(f"no line begins at {start}")
        while chunk := text.read(CHUNK_BYTES):
            yield chunk


def _cut_blocks(name: str, chunks: Iterator[bytes], start: int) -> Iterator[Block]:
    parts: list[bytes] = []  # of a line that continues in the next chunk
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        if end:
            block = Block(start, b"".join([*parts, chunk[:end]]))
            yield block
            start, parts = block.end, []
        if end < len(chunk):
            parts.append(chunk[end:])
            if sum(map(len, parts)) > LONGEST_LINE:
                raise ArtifactError(
                    f"The artifact {name} has a record longer than {LONGEST_LINE >> 20} MB. This record and those "
                    "after it cannot be shown."
                )
    if parts:
        raise ArtifactError(f"The artifact {name} is incomplete. Clear the run from its stage on.")


def _find_error(path: StagingPath, error: OSError) -> ArtifactError:
    if isinstance(error, FileNotFoundError):
        return ArtifactGoneError(f"The artifact {path.name} was deleted, by retention or by hand.")
    return ArtifactError(f"The artifact {path.name} cannot be read ({error.strerror or type(error).__name__}).")
