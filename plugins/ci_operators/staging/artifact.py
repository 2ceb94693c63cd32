"""Artifacts: JSON Lines compressed with Zstandard, written whole or not at all, and read only if they are whole.

`zstdcat extract.jsonl.zst | head -1 | jq` shows one. A path is a pathlib.Path or an Airflow ObjectStoragePath.
"""

from __future__ import annotations

import errno
import hashlib
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

import zstandard

from ci_operators.core.errors import DamagedArtifactError, StagingError
from ci_operators.staging.private import make_private_file, make_private_folder, remove_drafts, sync

SUFFIX = ".jsonl.zst"
#: Fast, and still a tenth of JSON's size; level 3 saves a little space for twice the time.
COMPRESSION_LEVEL = 1
#: Bytes of plain text handed to the compressor at a time.
CHUNK_BYTES = 1 << 18
#: Compressed bytes handed to the decompressor at a time. They are few because each can stand for many.
_PIECE_BYTES = 1 << 13


class StagingPath(Protocol):
    """What is needed of a path; both pathlib.Path and ObjectStoragePath have it."""

    @property
    def name(self) -> str: ...
    @property
    def parent(self) -> Any: ...
    def open(self, mode: str) -> Any: ...
    def exists(self) -> bool: ...
    def stat(self) -> Any: ...
    def with_name(self, name: str) -> Any: ...
    def replace(self, target: Any) -> Any: ...
    def unlink(self, missing_ok: bool = False) -> None: ...
    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None: ...


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact as its writer left it.

    records: how many it holds. digest: SHA-256 of the file in hex; None if an older version wrote the manifest.
    """

    path: StagingPath
    records: int
    digest: str | None = None
    bytes: int = 0

    def refuse(self) -> DamagedArtifactError:
        """Return the error for an artifact that is not what its writer left."""
        return DamagedArtifactError(
            f"The artifact {self.path.name} is not the file of {self.records} records that its stage wrote: it was cut "
            f"or changed in {self.path.parent}. Clear the run from extract on, or let the next scheduled run read the "
            "window again."
        )


@dataclass
class _Sealed:
    """A file that is written, with the digest and the number of its bytes."""

    file: IO[bytes]
    path: StagingPath
    digest: Any = field(default_factory=hashlib.sha256)
    size: int = 0

    def write(self, data: bytes) -> int:
        with _explain(self.path):
            self.file.write(data)
        self.digest.update(data)
        self.size += len(data)
        return len(data)


@dataclass
class ArtifactWriter:
    """Takes records (each a text without line breaks) and counts them. path: where they appear when all is written."""

    path: StagingPath
    _sealed: _Sealed
    records: int = 0
    _pending: list[bytes] = field(default_factory=list)
    _pending_bytes: int = 0

    def __post_init__(self) -> None:
        compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True, threads=1)
        self._sink: Any = compressor.stream_writer(self._sealed, closefd=False)  # type: ignore[arg-type]  # writes alone

    @property
    def artifact(self) -> Artifact:
        """Return what was written, once the block of `write_artifact` has ended."""
        return Artifact(self.path, self.records, self._sealed.digest.hexdigest(), self._sealed.size)

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

    def append(self, part: Artifact) -> None:
        """Add another artifact as it is, before any record: compressed files can be joined byte by byte."""
        with open_whole(part) as file:
            shutil.copyfileobj(file, self._sealed, CHUNK_BYTES)
        self.records += part.records

    def flush(self) -> None:
        """Hand what is pending to the compressor."""
        if self._pending:
            self._pending.append(b"")
            self._sink.write(b"\n".join(self._pending))
            self._pending.clear()
            self._pending_bytes = 0

    def close(self) -> None:
        """Write what is left."""
        self.flush()
        self._sink.close()


@contextmanager
def write_artifact(path: StagingPath) -> Iterator[ArtifactWriter]:
    """Give a writer whose records appear at `path` once the block ends well; else nothing does.

    They are written to a draft and renamed, so that a retry, a reader and a killed worker never meet half an artifact.
    Whoever begins last removes the drafts of others: a process that Airflow has given up replaces nothing. They hold
    personal data: only the user who runs the tasks can read them. Raises StagingError if the staging area is closed.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.draft")
    with _explain(path):
        make_private_folder(path.parent)
        remove_drafts(path)
        make_private_file(draft)
        file = draft.open("wb")
    try:
        writer = ArtifactWriter(path, _Sealed(file, path))
        yield writer
        writer.close()
        with _explain(path):
            file.close()
            sync(draft)
            draft.replace(writer.path)
            sync(path.parent)
    except BaseException:
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def read_artifact(artifact: Artifact) -> Iterator[list[bytes]]:
    """Yield the records, a list for each chunk of text; memory holds one chunk at a time.

    Raises DamagedArtifactError, before the first record, if the artifact is not what its writer left.
    """
    with open_whole(artifact) as file:
        yield from _split_lines(_read_chunks(file))


@contextmanager
def open_whole(artifact: Artifact) -> Iterator[IO[bytes]]:
    """Give the artifact's file. Raises DamagedArtifactError if it is not what its writer left."""
    with artifact.path.open("rb") as file:
        if not _is_whole(file, artifact):
            raise artifact.refuse()
        file.seek(0)
        yield file


def _is_whole(file: Any, artifact: Artifact) -> bool:
    if artifact.digest is not None:
        return hashlib.file_digest(file, "sha256").hexdigest() == artifact.digest
    try:
        return sum(map(len, _split_lines(_read_chunks(file)))) == artifact.records
    except (zstandard.ZstdError, EOFError):
        return False


def _read_chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the text of all frames. Raises ZstdError for what is no frame, EOFError for one that breaks off."""
    decompressor, frame = zstandard.ZstdDecompressor(), None
    while piece := file.read(_PIECE_BYTES):
        while piece:
            frame = frame or decompressor.decompressobj()
            if text := frame.decompress(piece):
                yield text
            piece, frame = (frame.unused_data, None) if frame.eof else (b"", frame)
    if frame is not None:
        raise EOFError


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


@contextmanager
def _explain(path: StagingPath) -> Iterator[None]:
    """Say in a sentence why the staging area does not take an artifact."""
    try:
        yield
    except OSError as err:
        raise _name_reason(err, path) from err


def _name_reason(error: OSError, path: StagingPath) -> StagingError:
    folder, said = path.parent, error.strerror or type(error).__name__
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StagingError(
            f"The staging area is full ({said}): {folder}. Free space, or shorten `retention: artifacts`."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StagingError(
            f"The staging area does not let the task write ({said}): {folder}. Give the user that runs the tasks write "
            "access to the folder."
        )
    if error.errno == errno.ENOENT:
        return StagingError(
            f"The draft of {path.name} is gone from {folder}: another process of this task has begun after this one, "
            "or the folder was deleted."
        )
    return StagingError(f"The artifact {path.name} cannot be written to {folder} ({said}).")
