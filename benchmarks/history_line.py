"""A connector's runs over simulated days: a backfill of its history and, each half hour, a live window."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path

import requests
from sqlalchemy import Connection

from ci_operators.core.connector import Destination
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.history import has_waiting
from ci_operators.recorded_future.api import API
from ci_operators.stages.account import Rules
from ci_operators.stages.delivery import deliver_once
from ci_operators.stages.run import StageResult, Terms
from ci_operators.staging.artifact import write_artifact
from ci_operators.transport.api import Credentials, open_client
from ci_operators.transport.pacing import Pacer
from simulator import ManualClock, Simulator
from simulator.settings import RECORDED_FUTURE_TOKEN

NAME, DESTINATION = "history", Destination()
BEGIN = datetime(2026, 3, 10, tzinfo=UTC)
SLOT = timedelta(minutes=30)
SLOTS_A_DAY = timedelta(days=1) // SLOT
LIVE_PER_SLOT = 25
BATCH_SIZE = 100
#: Pieces of the backfill that are run between two live runs: some ten Airflow runs a minute.
PIECES_PER_SLOT = 300
#: Live runs after the last one of the backfill: the cost of a run if nothing waits.
QUIET_SLOTS = 10

_DETECTION = (
    b'{"timestamp":"2026-01-01T10:00:00.000Z","ioc":{"type":"ip","value":"198.51.100.%d","source_type":"Okta",'
    b'"field":"actor.displayName"},"incident":{"id":"%s-%d-%d","type":"security.threat.detected",'
    b'"name":"Request from suspicious actor"},"detection":{"name":"Okta Threat Detection: Password Spray",'
    b'"type":"correlation"},"mitre_codes":["T1110.003"]}'
)


@dataclass(frozen=True, slots=True)
class Done:
    """One run: its kind, the seconds of work in this thread, what it delivered, found waiting, and deferred."""

    kind: str
    cpu_s: float
    accepted: int
    from_waiting: int
    put_off: int
    put_off_again: int


@dataclass
class Line:
    """Delivers windows like submit, at the times of a simulated clock."""

    simulator: Simulator
    clock: ManualClock
    connection: Connection
    folder: Path
    done: list[Done] = field(default_factory=list)

    def run(self, pieces: int, per_piece: int) -> None:
        """Run the backfill's pieces on the first day, then live windows until nothing waits, and a few more."""
        left = iter(range(pieces))
        for slot in self._slots():
            for piece in islice(left, PIECES_PER_SLOT):
                self._deliver("backfill", b"old", piece, per_piece)
            self._deliver("scheduled", b"live", slot, LIVE_PER_SLOT)

    def _slots(self) -> Iterator[int]:
        quiet = 0
        for slot in count():
            yield slot
            quiet += not has_waiting(self.connection, NAME)
            if quiet > QUIET_SLOTS:
                return
            self.clock.advance(seconds=SLOT.total_seconds())

    def _deliver(self, kind: str, prefix: bytes, number: int, size: int) -> None:
        with write_artifact(self.folder / "validate.jsonl.zst") as out:
            out.write_all([_DETECTION % (each % 250, prefix, number, each) for each in range(size)])
        client = open_client(
            API, Credentials(NAME, self.simulator.url, RECORDED_FUTURE_TOKEN), requests.Session(), Pacer()
        )
        run_id = f"{kind}-{number}"
        started = time.thread_time()
        deliveries = Deliveries(self.connection, NAME, run_id, "rf", now=self.clock)
        result = deliver_once(client, out.artifact, self.folder, _rules(kind), deliveries, lambda _rows: set())
        self.done.append(_describe(kind, result, time.thread_time() - started))

    def delays(self) -> Counter[timedelta]:
        """Return the number of live detections by the time between their window and their storage."""
        found = Counter[timedelta]()
        for stored in self.simulator.detections:
            kind, slot, _ = (stored.incident_id or "").split("-")
            if kind == "live":
                at = datetime.fromtimestamp(stored.stored_at / 1e6, UTC)
                found[at - BEGIN - int(slot) * SLOT] += 1
        return found

    def per_day(self) -> Counter[int]:
        """Return the number of stored detections by day."""
        first = int(BEGIN.timestamp()) // 86_400
        return Counter(stored.stored_at // 86_400_000_000 - first for stored in self.simulator.detections)

    def copies(self) -> Counter[int]:
        """Return the number of detections by how often they are stored."""
        return Counter(Counter(stored.incident_id for stored in self.simulator.detections).values())


def _rules(kind: str) -> Rules:
    bulk = DESTINATION.limit_for_bulk
    allowed = DESTINATION.daily_limit if kind == "scheduled" else bulk
    return Rules(Terms((), BATCH_SIZE), "resend", allowed, bulk)


def _describe(kind: str, result: StageResult, cpu_s: float) -> Done:
    names = ("accepted", "from_waiting", "waiting", "put_off_again")
    return Done(kind, cpu_s, *(result.extra[name] for name in names))
