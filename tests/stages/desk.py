"""A desk for deliveries: a ledger, the simulated Recorded Future, a folder, and the options of a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import Connection, Engine

from ci_operators.core.errors import (
    RequestRefusedError,
)
from ci_operators.ledger.access import open_connection
from ci_operators.ledger.batch import DeliveryState
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.quarantined import Entry, Wanted, read_pages
from ci_operators.ledger.row import read_row
from ci_operators.ledger.tables import State
from ci_operators.stages.account import Rules
from ci_operators.stages.delivery import deliver_once
from ci_operators.stages.flight import Flight
from ci_operators.stages.run import StageResult, Terms
from ci_operators.stages.stored import look_up_with
from ci_operators.transport.auth import JSON_TYPE
from ci_operators.transport.client import Client
from ci_operators.transport.vendor import Answer
from simulator import Simulator
from simulator.settings import (
    RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH,
)
from tests.faults.line import UNLIMITED
from tests.ledger.samples import stage
from tests.noting_session import NotingSession
from tests.vendor_cases import LIVE
from tests.virtual_time import VirtualTime

DETECTIONS = "/collective-insights/detections"


@dataclass
class Desk:
    """Delivers windows of detections of a connector, in batches of three."""

    engine: Engine
    folder: Path
    client: Client
    vendors: Simulator
    time: VirtualTime
    policy: Literal["resend", "hold"] = "resend"
    organization_ids: tuple[str, ...] = ()
    batch_size: int = 3
    allowed: int = UNLIMITED
    allowed_for_waiting: int = UNLIMITED
    send_transient_id: bool = False
    lock_patience_s: int = 0
    unknown_resends: int = 1
    parallel_requests: int = 1
    fly: Callable[[Client, Rules], Flight] = Flight
    destination: str = "rf"
    watch: Callable[[Connection], None] = lambda _: None
    runs: int = 0
    last_folder: Path = field(default_factory=Path)

    def deliver(
        self, texts: Iterable[bytes], *, connector: str = "acme", run_id: str = "", client: Client | None = None
    ) -> StageResult:
        """Deliver a window's detections in a separate run."""
        self.runs += 1
        self.last_folder = self.folder / f"{connector}-{self.runs}"
        rules = Rules(
            Terms(self.organization_ids, self.batch_size),
            self.policy,
            self.allowed,
            self.allowed_for_waiting,
            self.send_transient_id,
            self.lock_patience_s,
            self.unknown_resends,
            self.parallel_requests,
        )
        sender = client or self.client
        with open_connection(self.engine) as connection:
            self.watch(connection)
            run_id = run_id or f"run-{self.runs}"
            deliveries = Deliveries(connection, connector, run_id, self.destination, now=self.now)
            source = stage(self.last_folder, texts)
            look_up = look_up_with(sender, deliveries, self.organization_ids)
            return deliver_once(sender, source, self.last_folder, rules, deliveries, look_up, fly=self.fly)

    def now(self) -> datetime:
        return self.time.instant

    def known(self, texts: Iterable[bytes], connector: str = "acme") -> list[DeliveryState | None]:
        """Return the ledger's states of detections."""
        found = [read_row(connector, text) for text in texts]
        with open_connection(self.engine) as connection:
            known = Deliveries(connection, connector, "looking", "rf").find(found)
        return [known.get(row.key) for row in found]

    def states(self, texts: Iterable[bytes]) -> list[State | None]:
        return [None if known is None else known.state for known in self.known(texts)]

    def kept(self) -> list[Entry]:
        """Return the open entries of the quarantine."""
        with open_connection(self.engine) as connection:
            return [entry for page in read_pages(connection, Wanted(stage="submit")) for entry in page]

    def fault(self, kind: str, **members: Any) -> None:
        """Program a fault of submissions."""
        self.vendors.add_fault("recorded_future", kind, path=DETECTIONS, **members)

    @property
    def posts(self) -> list[tuple[int | None, int | None]]:
        """The status and number of detections of each live submission."""
        live = [entry for entry in self.vendors.requests if entry.path == DETECTIONS and entry.debug is not True]
        return [(entry.status, entry.entries) for entry in live]

    @property
    def ids(self) -> list[str | None]:
        """The stored incident ids, in order."""
        return [one.incident_id for one in self.vendors.detections]


@pytest.fixture
def desk(
    ledger_engine: Engine, tmp_path: Path, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> Desk:
    """A desk whose token can search."""
    return Desk(ledger_engine, tmp_path, LIVE.connect(vendors.url, session, virtual_time), vendors, virtual_time)


@pytest.fixture
def blind(desk: Desk, session: NotingSession) -> Desk:
    """The same desk with a token that cannot search."""
    desk.client = LIVE.connect(desk.vendors.url, session, desk.time, RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH)
    return desk


@dataclass
class FussyClient(Client):
    """A client whose API refuses, undocumented, more than `most` entries with 400."""

    most: int = 3

    def send(
        self, method: str, path: str, params: Any = None, body: bytes | None = None, content_type: str = JSON_TYPE
    ) -> Answer:
        if path == DETECTIONS and len(json.loads(body or b"")["data"]) > self.most:
            raise RequestRefusedError("Recorded Future answered 400 (too many entries).", status=400)
        return super().send(method, path, params, body, content_type)


def ids(numbers: Iterable[int]) -> list[str]:
    return [f"event-{number:05d}" for number in numbers]
