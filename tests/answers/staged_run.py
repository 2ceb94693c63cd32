"""A run's artifacts and manifests in a folder, written by the stages themselves. Ids and addresses are invented."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from ci_operators.answers.run.artifacts import RunFiles
from ci_operators.answers.run.manifests import read_manifests
from ci_operators.answers.run.record import Record, RecordReader
from ci_operators.answers.run.records import RecordPage
from ci_operators.answers.wording import make_wording
from ci_operators.core.connector import Connector
from ci_operators.core.tally import STAGES, Tally
from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.core.window import Window
from ci_operators.ledger.trail import DeliveredDetection, DroppedEvent
from ci_operators.sources.registry import OPTIONS
from ci_operators.stages.chain import run_step
from ci_operators.stages.run import StageResult, transform
from ci_operators.staging.artifact import Artifact
from ci_operators.staging.manifest import Manifest
from tests.artifacts import extract_pages

WINDOW = Window(datetime(2026, 3, 10, 12, tzinfo=UTC), datetime(2026, 3, 10, 13, tzinfo=UTC))
OKTA: Connector = OPTIONS["okta"].model_validate({"name": "okta-acme", "source": "okta", "debug": False})
S1: Connector = OPTIONS["sentinelone"].model_validate({"name": "s1-acme", "source": "sentinelone", "debug": False})
WORDING = make_wording([OKTA, S1])
READER = RecordReader(OKTA.name, WORDING)
AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
DROPPED = DroppedEvent("okta-acme", "filter", "missing_actor", "run1", AT)
DELIVERED = DeliveredDetection(
    connector="okta-acme",
    key="00",
    indicator_type="ip",
    indicator="198.51.100.2",
    detected_at=AT,
    codes=[],
    state="unknown",
    batch=7,
    run_id="run3",
    attempts=1,
    resent=False,
    first_seen=AT + timedelta(hours=3),
    reserved_at=AT + timedelta(hours=4),
    settled_at=None,
    message="broke off",
)


def known(state: str, settled_at: datetime | None = None, message: str | None = None) -> DeliveredDetection:
    """Return a ledger's entry for a detection."""
    return replace(DELIVERED, state=state, settled_at=settled_at, message=message, run_id="scheduled__0")


def event(number: int, **members: Any) -> dict[str, Any]:
    """Return a threat event of Okta; `...` removes a member."""
    whole = {
        "uuid": f"event-{number:05}",
        "published": f"2026-03-10T12:{number % 60:02}:00.123Z",
        "eventType": "security.threat.detected",
        "displayMessage": "Request from suspicious actor",
        "actor": {"displayName": f"198.51.100.{number % 250 + 1}", "alternateId": "jane.doe@acme.example"},
        "client": {"ipAddress": "198.51.100.7"},
        "outcome": {"reason": "Password Spray", "result": "DENY"},
    }
    return {name: value for name, value in {**whole, **members}.items() if value is not ...}


@dataclass
class StagedRun:
    """A run that is being built."""

    directory: Path
    connector: Connector = OKTA
    debug: bool = False
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    last: StageResult | None = None

    @property
    def files(self) -> RunFiles:
        return RunFiles(self.directory, read_manifests(self.manifests))

    def run(self, events: Iterable[Any], until: str = "validate") -> StagedRun:
        """Pass events (JSON values, or raw texts) through the stages."""
        texts = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in events]
        self._add("extract", extract_pages([texts], self.directory), pages=1, waited_s=0.5, overlap_s=600)
        for before, stage in pairwise(STAGES[: STAGES.index(until) + 1]):
            if not self.manifests[before]["records_out"]:
                break
            self._add(stage, run_step(stage, self.connector, self._artifact(), self.directory))
        return self

    def submit(self, fates: Sequence[Dropped | Quarantined | None], **extra: Any) -> StagedRun:
        """Give each detection an outcome at submit; None means accepted."""
        given = iter(fates)
        tally = Tally()

        def step(record: bytes) -> Any:
            return next(given) or record

        result = transform("submit", self._artifact(), step, tally, self.directory)
        for left in ("submit.jsonl.zst", "submit.dropped.jsonl.zst"):  # submit itself writes neither
            (self.directory / left).unlink(missing_ok=True)
        result.side_artifacts.pop("dropped", None)
        result.artifact = None
        self._add("submit", result, **extra)
        return self

    def _artifact(self) -> Artifact:
        assert self.last is not None
        assert self.last.artifact is not None
        return self.last.artifact

    def _add(self, stage: str, result: StageResult, **extra: Any) -> None:
        self.last = result
        manifest = Manifest(
            stage=stage,
            connector=self.connector.name,
            debug=self.debug,
            window=WINDOW,
            basis="data interval",
            artifact=str(result.artifact.path) if result.artifact else None,
            tally=result.tally,
            side_artifacts={kind: str(side.path) for kind, side in result.side_artifacts.items()},
            bytes=1234,
            duration_s=1.5,
            extra={**result.extra, **extra},
        )
        self.manifests[stage] = json.loads(json.dumps(manifest.to_xcom()))


def follow(find: Callable[[str | None], RecordPage]) -> list[Record]:
    """Return the records of all pages by following the cursors."""
    found, cursor = list[Record](), None
    for _ in range(10_000):
        page = find(cursor)
        found += page.records
        cursor = page.cursor
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


def mixed_events(count: int = 40) -> list[dict[str, Any]]:
    """Return events with every outcome: wrong type, no actor, name, address, reason or time; the rest are good."""
    odd: list[dict[str, Any]] = [
        {"eventType": "user.session.start"},
        {"actor": None},
        {"actor": {"displayName": None}},
        {"actor": {"displayName": "no address"}},
        {"outcome": None},
        {"published": "1600-02-30"},
        {"uuid": "EVENT-ÄÖ\\\"'"},
    ]
    return [event(number, **(odd[number % 10] if number % 10 < len(odd) else {})) for number in range(count)]
