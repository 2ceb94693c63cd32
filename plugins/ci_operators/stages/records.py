"""The ledger's records of the stages of a run: counts, dropped ids, quarantined records.

A stage that is followed by others keeps its record in the staging area. The next task that opens the connector's ledger
writes all of them: the stage that ends the run or submits, or, if a run was killed, the extract of the next one. So
most stages need no database (docs/decisions/0018-run-records.md). The XCom of the stage has the digest of its record,
so write access to the staging area alone cannot add to the ledger.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import zstandard
from msgspec import Struct
from sqlalchemy import Connection

from ci_operators.core.errors import DamagedArtifactError
from ci_operators.core.window import RunKind
from ci_operators.ledger.history import History
from ci_operators.staging.artifact import SUFFIX, Artifact, StagingPath, read_artifact, write_artifact

log = logging.getLogger(__name__)

#: Next to the folders of a connector's runs; no run's folder has such a name.
FOLDER = "@records"


class Side(Struct, frozen=True):
    """A side artifact in the run's folder."""

    name: str
    records: int
    digest: str | None


class StageRecord(Struct, frozen=True):
    """One stage of one run. folder: the name of the run's folder."""

    run_id: str
    kind: RunKind
    folder: str
    finished_at: datetime
    manifest: dict[str, Any]
    sides: dict[str, Side]


def name_sides(artifacts: Mapping[str, Artifact]) -> dict[str, Side]:
    """Return side artifacts in the form of a record."""
    return {kind: Side(each.path.name, each.records, each.digest) for kind, each in artifacts.items()}


#: Returns whether a stage kept the record with this digest.
Knows = Callable[[StageRecord, str], bool]


def keep(record: StageRecord, staging: Any) -> str:
    """Keep a record in the connector's staging area for the next task that opens the ledger. Return its digest.

    Each record has its own name, so a task deletes only the one that it has written into the ledger.
    """
    with write_artifact(staging / FOLDER / f"{secrets.token_hex(8)}{SUFFIX}") as out:
        out.write(msgspec.json.encode(record))
    return out.artifact.digest or ""


def has_kept(staging: Any) -> bool:
    """Return whether a connector's staging area has kept records."""
    return bool(_list_kept(staging))


def write_kept(connection: Connection, connector: str, staging: Any, knows: Knows) -> None:
    """Write the known records in a connector's staging area into the ledger, in their order."""
    read = ((path, _read(path)) for path in _list_kept(staging))
    found = [(path, kept[0]) for path, kept in read if kept is not None and knows(*kept)]
    for path, record in sorted(found, key=lambda each: each[1].finished_at):
        write(connection, connector, record, staging, record.finished_at)
        path.unlink(missing_ok=True)


def write(
    connection: Connection, connector: str, record: StageRecord, staging: Any, finished_at: datetime | None = None
) -> None:
    """Write a record into the ledger. A retry overwrites it.

    finished_at: by default now, by the ledger's clock, which also dates a run's batches.
    """
    history = History(connection, connector, record.run_id, record.manifest["stage"])
    writers: dict[str, Callable[[Iterable[list[bytes]]], None]] = {
        "dropped": history.add_dropped,
        "quarantined": history.add_quarantined,
    }
    for kind, side in record.sides.items():
        artifact = Artifact(staging / record.folder / side.name, side.records, side.digest)
        try:
            writers[kind](read_artifact(artifact))
        except (DamagedArtifactError, FileNotFoundError):
            log.warning("%s of run %s is damaged or missing. The ledger has only its counts.", side.name, record.run_id)
    history.add_run(record.manifest, record.kind, finished_at)


def _list_kept(staging: Any) -> list[StagingPath]:
    folder = staging / FOLDER
    return [path for path in folder.iterdir() if path.name.endswith(SUFFIX)] if folder.exists() else []


def _read(path: StagingPath) -> tuple[StageRecord, str] | None:
    """Return a record and its digest, or None if another task has written it meanwhile or it is damaged."""
    try:
        with path.open("rb") as file:
            content = file.read()
        text = zstandard.ZstdDecompressor().stream_reader(content).read()
        return msgspec.json.decode(text, type=StageRecord), hashlib.sha256(content).hexdigest()
    except FileNotFoundError:
        return None
    except (zstandard.ZstdError, ValueError, msgspec.MsgspecError):
        log.warning("The record %s of a stage is damaged and was not written to the ledger.", path)
        return None
