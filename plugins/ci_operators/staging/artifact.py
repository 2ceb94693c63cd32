"""Artifacts: JSON Lines compressed with Zstandard. They are written atomically, and read only if they are complete.

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
#: Level 1 is fast and gives a tenth of JSON's size; level 3 saves little space and takes twice the time.
COMPRESSION_LEVEL = 1
#: Bytes of plain text per call of the compressor.
CHUNK_BYTES = 1 << 18
#: Compressed bytes per call of the decompressor. They are few because each can expand to many.
_PIECE_BYTES = 1 << 13


class StagingPath(Protocol):
    """The methods of a path that are needed here; both pathlib.Path and ObjectStoragePath have them."""

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
    """An artifact as its stage wrote it.

    records: how many it has. digest: SHA-256 of the file in hex; None if an older version wrote the manifest.
    """

    path: StagingPath
    records: int
    digest: str | None = None
    bytes: int = 0

    def refuse(self) -> DamagedArtifactError:
        """Return the error for a file that is not what its stage wrote."""
        return DamagedArtifactError(
            f"The artifact {self.path.name} is not the file of {self.records} records that its stage wrote: it was cut "
            f"or changed in {self.path.parent}. Clear the run from extract on, or let the next scheduled run read the "
            "window again."
        )


@dataclass
class _Sealed:
    """Writes a file, and computes its digest and size."""

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
    """Writes and counts records, each a text without line breaks. path: where the artifact is after the last record."""

    path: StagingPath
    _sealed: _Sealed
    records: int = 0
    _pending: list[bytes] = field(default_factory=list)
    _pending_bytes: int = 0

    def __post_init__(self) -> None:
        compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True, threads=1)
        self._sink: Any = compressor.stream_writer(self._sealed, closefd=False)  # type: ignore[arg-type]  # only written to

    @property
    def artifact(self) -> Artifact:
        """Return the artifact. It is complete after the block of `write_artifact`."""
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
        """Add another artifact unchanged, before any record: compressed files can be joined byte by byte."""
        with open_whole(part) as file:
            shutil.copyfileobj(file, self._sealed, CHUNK_BYTES)
        self.records += part.records

    def flush(self) -> None:
        """Pass the pending records to the compressor."""
        if self._pending:
            self._pending.append(b"")
            self._sink.write(b"\n".join(self._pending))
            self._pending.clear()
            self._pending_bytes = 0

    def close(self) -> None:
        """Write the rest, and end the compressed frame."""
        self.flush()
        self._sink.close()


@contextmanager
def write_artifact(path: StagingPath) -> Iterator[ArtifactWriter]:
    """Yield a writer whose artifact appears at `path` after the block; if the block fails, nothing appears.

    The records are written to a draft, which is renamed, so that no reader or retry finds half an artifact. The last
    process to start removes the drafts of others, so that one that Airflow gave up cannot replace the artifact. Only
    the user who runs the tasks can read it, because it has personal data. Raises StagingError if it cannot be stored.
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
    """Yield the records, a list for each chunk of text. One chunk at a time is in memory.

    Raises DamagedArtifactError before the first record if the file is not what its stage wrote.
    """
    with open_whole(artifact) as file:
        yield from _split_lines(_read_chunks(file))


@contextmanager
def open_whole(artifact: Artifact) -> Iterator[IO[bytes]]:
    """Yield the artifact's open file. Raises DamagedArtifactError if it is not what its stage wrote."""
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
    """Yield the text of all frames. Raises ZstdError for an invalid frame, EOFError for an incomplete one."""
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
    """Turn an OSError of the block into a StagingError that says why the artifact cannot be stored."""
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
            f"The task cannot write to the staging area ({said}): {folder}. Give the user that runs the tasks write "
            "access to the folder."
        )
    if error.errno == errno.ENOENT:
        return StagingError(
            f"The draft of {path.name} is missing from {folder}: another process of this task started after this one, "
            "or the folder was deleted."
        )
    return StagingError(f"The artifact {path.name} cannot be written to {folder} ({said}).")
