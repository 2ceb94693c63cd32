"""One run of a connector, stage by stage, as the operators chain them. Every stage is checked after it is done."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from ci_operators.core.connector import Connector
from ci_operators.core.tally import STAGES
from ci_operators.core.window import Window
from ci_operators.ledger.access import open_connection
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.sources.registry import load_source
from ci_operators.stages.account import Rules
from ci_operators.stages.chain import run_step
from ci_operators.stages.delivery import deliver_once
from ci_operators.stages.extraction import extract
from ci_operators.stages.refusals import DryRun
from ci_operators.stages.run import StageResult, Terms
from ci_operators.stages.stored import look_up_with
from ci_operators.staging.artifact import SUFFIX
from ci_operators.transport.client import Client
from simulator import StoredDetection
from tests.artifacts import find_artifact, read_all, read_quarantined

UNLIMITED = 1_000_000
#: The identity of a detection: event id, indicator type, indicator.
Identity = tuple[str, str, str]


@dataclass
class Line:
    """A run: its connector, vendors, window and staging folder.

    watch: a test's wrapper of the ledger's deliveries, to observe or to interrupt them.
    """

    connector: Connector
    source: Client
    destination: Client
    engine: Engine
    directory: Any
    window: Window
    run_id: str = "run"
    debug: bool = False
    allowed: int = UNLIMITED
    allowed_for_waiting: int = UNLIMITED
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    watch: Callable[[Deliveries], Any] = lambda deliveries: deliveries
    results: dict[str, StageResult] = field(default_factory=dict)

    def run_stage(self, stage: str) -> StageResult:
        """Run one stage, as its task would, and check its results."""
        path = self.artifact(stage)
        before = None if path is None else find_artifact(path)
        result = self._extract() if before is None else self._go_on(stage, before)
        self.results[stage] = result
        check_stage(before, result)
        check_staging(self.directory)
        assert not list(self.directory.glob("*extract.pa*")), "parts of the extract are left"
        return result

    def artifact(self, stage: str) -> Any:
        """Return the artifact that a stage reads."""
        position = STAGES.index(stage)
        return self.directory / f"{STAGES[position - 1]}{SUFFIX}" if position else None

    def _extract(self) -> StageResult:
        source = load_source(self.connector.source)
        return extract(partial(source.fetch, self.source, self.connector), self.window, "events", self.directory)

    def _go_on(self, stage: str, before: Any) -> StageResult:
        if stage == "submit":
            return self._submit(before)
        result = run_step(stage, self.connector, before, self.directory)
        if stage == "validate" and self.debug and result.artifact is not None:
            dry_run = DryRun(self.destination, self.connector.name, self._terms)
            dry_run.check(result.artifact)
            assert not dry_run.refused, "what the contract passes, the API takes"
        return result

    def _submit(self, before: Any) -> StageResult:
        rules = Rules(
            self._terms,
            self.connector.unknown_policy,
            self.allowed,
            self.allowed_for_waiting,
            unknown_resends=self.connector.unknown_resends,
            parallel_requests=self.connector.parallel_requests,
        )
        with open_connection(self.engine) as connection:
            deliveries = Deliveries(
                connection, self.connector.name, self.run_id, self.connector.destination_conn_id, now=self.now
            )
            return deliver_once(
                self.destination,
                before,
                self.directory,
                rules,
                self.watch(deliveries),
                look_up_with(self.destination, deliveries, self.connector.organization_ids),
            )

    @property
    def _terms(self) -> Terms:
        return Terms(self.connector.organization_ids, self.connector.batch_size)


def check_stage(before: Any, result: StageResult) -> None:
    """Compare a stage's counts with its artifacts."""
    tally = result.tally
    tally.check_conservation("stage")
    if before is not None:
        assert tally.records_in == len(read_all(before))
    if result.artifact is not None:
        assert tally.records_out == len(read_all(result.artifact))
        assert Counter(entry["issue"] for entry in read_quarantined(result)) == tally.quarantined


def check_staging(directory: Path) -> None:
    """Read every artifact to its end, and check that no draft is left."""
    if directory.exists():
        for path in directory.iterdir():
            assert path.name.endswith(SUFFIX), f"a draft is left: {path.name}"
            assert not path.name.startswith("."), f"a draft is left: {path.name}"
            for record in read_all(path):
                json.loads(record)


def identity(entry: Mapping[str, Any]) -> Identity:
    """Return the identity of a detection."""
    return entry["incident"]["id"], entry["ioc"]["type"], entry["ioc"]["value"]


def stored(found: Iterable[StoredDetection]) -> Counter[Identity]:
    """Return how often the API has each detection."""
    return Counter(identity(one.entry) for one in found)


def expected(texts: Iterable[bytes]) -> Counter[Identity]:
    """Return the expected stored detections: each once."""
    return Counter({identity(json.loads(one)): 1 for one in texts})


def held(result: StageResult) -> set[Identity]:
    """Return the detections that a run reported as held because of an unknown outcome."""
    return {identity(entry["record"]) for entry in read_quarantined(result) if entry["issue"] == "outcome_unknown"}


_RESENT = text(
    """
    SELECT d.event_id, d.indicator_type, d.indicator
    FROM detection d JOIN batch b ON b.id = d.batch_id JOIN connector c ON c.id = d.connector_id
    WHERE b.resends > 0 AND c.name = :connector
    """
)


def resent(engine: Engine, connector: str) -> set[Identity]:
    """Return the detections that the ledger has marked as sent again although they may have arrived."""
    with engine.connect() as connection:
        return {(row[0], row[1], row[2]) for row in connection.execute(_RESENT, {"connector": connector})}


_HELD = text(
    """
    SELECT convert_from(q.record, 'UTF8') FROM quarantine q JOIN connector c ON c.id = q.connector_id
    WHERE c.name = :connector AND q.stage = 'submit' AND q.issue = 'outcome_unknown' AND q.replayed_at IS NULL
    """
)


def find_held(engine: Engine, connector: str) -> set[Identity]:
    """Return the detections with an unknown outcome whose texts are in the ledger."""
    with engine.connect() as connection:
        return {identity(json.loads(record)) for record in connection.scalars(_HELD, {"connector": connector})}


def check_delivery(line: Line, found: Counter[Identity], wanted: Counter[Identity]) -> str:
    """Return in words how the API's multiset differs from the expected one. Only reported differences are allowed."""
    result = line.results["submit"]
    twice, missing, on_hold = found - wanted, wanted - found, held(result)
    again = int(result.extra["resent_unknown"])
    assert twice.total() <= again, f"{twice} are there twice, reported are {again}"
    assert set(twice) <= resent(line.engine, line.connector.name), f"{twice} are there twice, unreported"
    assert set(missing) <= on_hold, f"{missing} are lost, held are {on_hold}"
    parts = [
        "exact" if not twice and not missing else "",
        f"{twice.total()} twice, reported" if twice else "",
        f"{again} resent" if again and not twice else "",
        f"{len(on_hold)} held" if on_hold else "",
    ]
    return ", ".join(part for part in parts if part)
