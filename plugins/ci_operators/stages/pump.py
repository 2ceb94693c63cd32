"""The common loop of filter, map, and validate: apply a step to each record, and count its outcome."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Dropped, Quarantined, Step
from ci_operators.staging.artifact import SUFFIX, Artifact, ArtifactWriter, write_artifact

_encode = msgspec.json.Encoder().encode


@dataclass
class SideArtifacts:
    """The files of dropped ids and quarantined records. Without any, no files are created."""

    directory: Any  # a StagingPath
    stage: str
    _stack: ExitStack = field(default_factory=ExitStack)
    _writers: dict[str, ArtifactWriter] = field(default_factory=dict)

    def __enter__(self) -> SideArtifacts:
        self._stack.__enter__()
        return self

    def __exit__(self, *exc: Any) -> bool | None:
        return self._stack.__exit__(*exc)

    @property
    def artifacts(self) -> dict[str, Artifact]:
        """Return the written files by kind, after the block has ended."""
        return {kind: writer.artifact for kind, writer in self._writers.items()}

    def add_dropped(self, verdict: Dropped) -> None:
        """Keep the id and reason of a dropped event, without its payload."""
        self._writer("dropped").write(_encode({"event_id": verdict.event_id, "reason": verdict.reason}))

    def add_quarantined(self, verdict: Quarantined, record: bytes) -> None:
        """Keep a quarantined record with its issue. A record that is not JSON is kept in Base64."""
        entry = {"event_id": verdict.event_id, "issue": verdict.issue, "detail": verdict.detail}
        self._writer("quarantined").write(_encode({**entry, **_embed(record)}))

    def _writer(self, kind: str) -> ArtifactWriter:
        if kind not in self._writers:
            path = self.directory / f"{self.stage}.{kind}{SUFFIX}"
            self._writers[kind] = self._stack.enter_context(write_artifact(path))
        return self._writers[kind]


def pump(chunks: Iterable[list[bytes]], step: Step, out: ArtifactWriter, side: SideArtifacts, tally: Tally) -> None:
    """Apply `step` to every record, write it where the verdict says, and count it."""
    for chunk in chunks:
        tally.records_in += len(chunk)
        passed = []
        for record in chunk:
            result = step(record)
            if isinstance(result, bytes):
                passed.append(result)
            elif isinstance(result, list):
                passed += result
                tally.added += max(len(result) - 1, 0)  # none without a verdict: the tally does not add up
            elif isinstance(result, Dropped):
                tally.drop(result)
                side.add_dropped(result)
            else:
                tally.quarantine(result)
                side.add_quarantined(result, record)
        tally.records_out += len(passed)
        out.write_all(passed)


def _embed(record: bytes) -> dict[str, Any]:
    try:
        msgspec.json.decode(record)
        return {"record": msgspec.Raw(record)}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {"record_base64": base64.b64encode(record).decode("ascii")}
