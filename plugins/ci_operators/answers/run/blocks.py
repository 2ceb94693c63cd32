"""An artifact read from anywhere in its text, block by block of whole lines; memory holds one block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import zstandard

from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.staging.artifact import CHUNK_BYTES, StagingPath

#: Vendors' events are kilobytes, a thousandth of this. A few bytes of an artifact can stand for a line without end,
#: and a line is held in memory.
LONGEST_LINE = 1 << 24


class ArtifactError(CollectiveInsightsError):
    """An artifact cannot be read; the sentence says why."""


class _LineTooLongError(Exception):
    pass


class ArtifactGoneError(ArtifactError):
    """An artifact is not there (any more)."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of an artifact's text. `start`: where they begin in it, in bytes."""

    start: int
    text: bytes

    @property
    def end(self) -> int:
        """Return where the next block begins."""
        return self.start + len(self.text)

    def lines(self) -> Iterator[tuple[bytes, int]]:
        """Yield each line with the place where the next one begins."""
        end = self.start
        for line in self.text.split(b"\n")[:-1]:
            end += len(line) + 1
            yield line, end


def measure(path: StagingPath) -> int:
    """Return the artifact's size in bytes: another one after a retry has written it again."""
    try:
        return int(path.stat().st_size)
    except OSError as err:
        raise _find_error(path, err) from None


def read_blocks(path: StagingPath, start: int = 0) -> Iterator[Block]:
    """Yield the text from the line at `start` on.

    Raises ArtifactError for what is no artifact or breaks off, ValueError if no line begins at `start`.
    """
    try:
        with path.open("rb") as file:
            yield from _cut_blocks(_read_text(file, start), start)
    except zstandard.ZstdError:
        raise ArtifactError(f"The artifact {path.name} is damaged: clear the run from its stage on.") from None
    except _LineTooLongError:
        raise ArtifactError(
            f"The artifact {path.name} holds a record longer than {LONGEST_LINE >> 20} MB: that and what stands behind "
            "it cannot be shown."
        ) from None
    except EOFError:
        raise ArtifactError(f"The artifact {path.name} breaks off: clear the run from its stage on.") from None
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


def _cut_blocks(chunks: Iterator[bytes], start: int) -> Iterator[Block]:
    parts: list[bytes] = []  # of the line that goes on in the next chunk
    length = 0
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        if end:
            block = Block(start, b"".join([*parts, chunk[:end]]))
            yield block
            start, parts, length = block.end, [], 0
        if end < len(chunk):
            parts.append(chunk[end:])
            length += len(parts[-1])
            if length > LONGEST_LINE:
                raise _LineTooLongError
    if parts:
        raise EOFError


def _find_error(path: StagingPath, error: OSError) -> ArtifactError:
    if isinstance(error, FileNotFoundError):
        return ArtifactGoneError(f"The artifact {path.name} is gone, by retention or by hand.")
    return ArtifactError(f"The artifact {path.name} cannot be read ({error.strerror or type(error).__name__}).")
