"""Artifacts: JSON Lines compressed with Zstandard, written whole or not at all.

`zstdcat extract.jsonl.zst | head -1 | jq` shows one. A path is a pathlib.Path or an Airflow ObjectStoragePath.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

import zstandard

from ci_operators.staging.private import make_private_file, make_private_folder

SUFFIX = ".jsonl.zst"
#: Fast, and still a tenth of JSON's size; level 3 saves a little space for twice the time.
COMPRESSION_LEVEL = 1
#: Bytes of plain text handed to the compressor, and asked of the decompressor, at a time.
CHUNK_BYTES = 1 << 18


class StagingPath(Protocol):
    """What is needed of a path; both pathlib.Path and ObjectStoragePath have it."""

    @property
    def name(self) -> str: ...
    @property
    def parent(self) -> Any: ...
    def open(self, mode: str) -> Any: ...
    def stat(self) -> Any: ...
    def with_name(self, name: str) -> Any: ...
    def replace(self, target: Any) -> Any: ...
    def unlink(self, missing_ok: bool = False) -> None: ...
    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None: ...


@dataclass
class ArtifactWriter:
    """Takes records (each a text without line breaks) and counts them."""

    sink: IO[bytes]
    records: int = 0
    _pending: list[bytes] = field(default_factory=list)
    _pending_bytes: int = 0

    def write(self, record: bytes) -> None:
        """Add one record."""
        self.records += 1
        self._pending.append(record)
        self._pending_bytes += len(record)
        if self._pending_bytes >= CHUNK_BYTES:
            self.flush()

    def write_all(self, records: list[bytes]) -> None:
        """Add several records."""
        self.flush()
        self.records += len(records)
        self._pending.extend(records)
        self.flush()

    def flush(self) -> None:
        """Hand what is pending to the compressor."""
        if self._pending:
            self._pending.append(b"")
            self.sink.write(b"\n".join(self._pending))
            self._pending.clear()
            self._pending_bytes = 0


@contextmanager
def write_artifact(path: StagingPath) -> Iterator[ArtifactWriter]:
    """Give a writer whose records stand at `path` once the block ends well; else nothing does.

    They are written under a temporary name and renamed, so that a retry, a reader and a killed worker never
    meet half an artifact. They hold personal data: only the user who runs the tasks can read them.
    """
    make_private_folder(path.parent)
    draft = path.with_name(f".{path.name}.draft")
    try:
        make_private_file(draft)
        with draft.open("wb") as file:
            compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True, threads=1)
            with compressor.stream_writer(file, closefd=False) as sink:
                writer = ArtifactWriter(sink)
                yield writer
                writer.flush()
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def read_artifact(path: StagingPath) -> Iterator[list[bytes]]:
    """Yield the records at `path`, a list for each chunk of text; memory holds one chunk at a time."""
    with path.open("rb") as file:
        yield from _split_lines(_read_chunks(file))


def _read_chunks(file: IO[bytes]) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor()
    with decompressor.stream_reader(file, read_across_frames=True, closefd=False) as text:
        while chunk := text.read(CHUNK_BYTES):
            yield chunk


def _split_lines(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    parts: list[bytes] = []  # of a line longer than a chunk
    for chunk in chunks:
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = b"".join([*parts, lines[0]])
            parts = []
            yield lines
        if rest:
            parts.append(rest)
    if parts:
        yield [b"".join(parts)]
