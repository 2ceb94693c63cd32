"""The last stage of a replay: exact delivery with the ledger, as a run does it; of a debug connector, a check."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from ci_operators.commands.replay_steps import ReplayOutcome, Traced
from ci_operators.core.connector import Connector, Destination
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.history import History
from ci_operators.ledger.quarantined import close_entries, note_entries
from ci_operators.ledger.row import Row, read_row
from ci_operators.ledger.settlement import DetectionState, find_states, override
from ci_operators.ledger.tables import State
from ci_operators.recorded_future.api import API
from ci_operators.stages.account import Rules
from ci_operators.stages.delivery import deliver_once
from ci_operators.stages.pump import SideArtifacts
from ci_operators.stages.refusals import DryRun
from ci_operators.stages.run import Terms
from ci_operators.stages.stored import look_up_with
from ci_operators.staging.artifact import read_artifact, write_artifact
from ci_operators.transport.client import Client

#: What a detection's state after the delivery is called, and in words.
_BECAME = {
    State.ACCEPTED: ("accepted", "delivered"),
    State.REJECTED: ("rejected", "refused by Recorded Future"),
    State.WAITING: ("waiting", "waits for the day's budget; a later run sends it"),
    State.UNKNOWN: ("unknown", "sent, and nobody can say whether Recorded Future has stored it"),
    State.RESERVED: ("unknown", "sent, and nobody can say whether Recorded Future has stored it"),
    State.PLANNED: ("not_sent", "not sent yet"),
}
#: After these there is nothing left to do about a record of an earlier stage.
_ENDS = ("accepted", "already_accepted", "dropped", "waiting")


class ReplaySender(Protocol):
    """Takes the records that passed the steps to Recorded Future."""

    def take(self, traced: Sequence[Traced]) -> list[ReplayOutcome]:
        """Return what became of the records. Raises the errors of delivery."""

    def outcomes(self, traced: Sequence[Traced]) -> list[ReplayOutcome]:
        """Return what has become of the records, when `take` was broken off."""


@contextmanager
def open_sender(
    connection: Connection, connector: Connector, destination: Destination, run_id: str
) -> Iterator[ReplaySender]:
    """Give the sender of a connector: of a debug connector one that only checks."""
    from ci_operators.hooks.vendor import VendorHook  # needs Airflow: slow to import

    client = VendorHook(API, connector.destination_conn_id).get_client()
    terms = Terms(connector.organization_ids, connector.batch_size)
    with tempfile.TemporaryDirectory(prefix="ci-replay-") as folder:
        if connector.debug:
            yield CheckingReplay(client, connector, terms, Path(folder))
            return
        limit = destination.limit_for_bulk
        rules = Rules(
            terms,
            connector.unknown_policy,
            allowed=limit,
            allowed_for_waiting=limit,
            send_transient_id=connector.send_transient_id,
            unknown_resends=connector.unknown_resends,
        )
        deliveries = Deliveries(connection, connector.name, run_id, connector.destination_conn_id)
        deliveries.lock()
        yield DeliveringReplay(client, connector, rules, Path(folder), deliveries)


@dataclass
class CheckingReplay:
    """Asks the API in debug mode: it stores nothing, and the quarantine stays as it is."""

    client: Client
    connector: Connector
    terms: Terms
    folder: Path

    def take(self, traced: Sequence[Traced]) -> list[ReplayOutcome]:
        """Return which records the API would take."""
        rows = [read_row(self.connector.name, trace.record) for trace in traced if trace.outcome is None]
        refused = self._find_refused(rows) if rows else {}
        return [trace.outcome or self._outcome(trace, refused) for trace in traced]

    def outcomes(self, traced: Sequence[Traced]) -> list[ReplayOutcome]:
        """Return what the steps said."""
        words = "not checked"
        return [trace.outcome or trace.as_outcome("not_sent", words) for trace in traced]

    def _find_refused(self, rows: Sequence[Row]) -> dict[bytes, str]:
        with write_artifact(self.folder / "validate.jsonl.zst") as out:
            out.write_all([row.text for row in rows])
        dry_run = DryRun(self.client, self.connector.name, self.terms)
        dry_run.check(out.artifact)
        return dry_run.refused

    def _outcome(self, trace: Traced, refused: dict[bytes, str]) -> ReplayOutcome:
        message = refused.get(read_row(self.connector.name, trace.record).key)
        if message is not None:
            return trace.as_outcome("refused", f"Recorded Future would refuse it: {message}")
        return trace.as_outcome("checked", "Recorded Future would take it; nothing is stored")


@dataclass
class DeliveringReplay:
    """Delivers with the ledger, and writes into the quarantine what became of its entries."""

    client: Client
    connector: Connector
    rules: Rules
    folder: Path
    deliveries: Deliveries
    _before: dict[bytes, DetectionState] = field(default_factory=dict)

    def take(self, traced: Sequence[Traced]) -> list[ReplayOutcome]:
        """Return what became of the records after their delivery."""
        connection, keys = self.deliveries.connection, self._keys(traced)
        self._before = find_states(connection, [key for key in keys if key])
        self._keep_quarantined(traced)
        going = [key for trace, key in zip(traced, keys, strict=True) if key and trace.outcome is None]
        with self.deliveries.lease.transaction():
            override(connection, going, State.PLANNED, "replayed", only=[State.REJECTED])
        with write_artifact(self.folder / "validate.jsonl.zst") as out:
            out.write_all([trace.record for trace in traced if trace.outcome is None])
        look_up = look_up_with(self.client, self.deliveries, self.rules.terms.organization_ids)
        deliver_once(self.client, out.artifact, self.folder, self.rules, self.deliveries, look_up)
        return self.outcomes(traced)

    def outcomes(self, traced: Sequence[Traced]) -> list[ReplayOutcome]:
        """Return what has become of the records by the ledger, and write it into the quarantine."""
        keys = self._keys(traced)
        after = find_states(self.deliveries.connection, [key for key in keys if key])
        outcomes = [self._outcome(trace, key, after) for trace, key in zip(traced, keys, strict=True)]
        stages = {trace.entry.id: trace.entry.stage for trace in traced}
        with speak_plainly(), self.deliveries.connection.begin():
            for entry_id, found in groupby(outcomes, key=lambda outcome: outcome.id):
                self._note(entry_id, stages[entry_id], list(found))
        return outcomes

    def _note(self, entry_id: int, stage: str, outcomes: Sequence[ReplayOutcome]) -> None:
        """Write what became of an entry. It is closed when nothing is left to do about any of its detections."""
        told, is_over = dict[str, None](), True
        for outcome in outcomes:
            went_on = outcome.became in ("quarantined", "rejected") and outcome.stage != stage
            is_over = is_over and (went_on or outcome.became in _ENDS)
            told[outcome.words + (f", see the quarantine of {outcome.stage}" if went_on else "")] = None
        write = close_entries if is_over else note_entries
        write(self.deliveries.connection, [entry_id], f"{self.deliveries.run_id}: {'; '.join(told)}")

    def _keys(self, traced: Sequence[Traced]) -> list[bytes | None]:
        """Return the keys of the records that are detections, None for the others."""
        return [
            read_row(self.connector.name, trace.record).key
            if trace.outcome is None or trace.outcome.became == "held"
            else None
            for trace in traced
        ]

    def _outcome(self, trace: Traced, key: bytes | None, after: dict[bytes, DetectionState]) -> ReplayOutcome:
        current = after.get(key) if key else None
        if trace.outcome is not None and (current is None or current.state is not State.ACCEPTED):
            return trace.outcome
        before = self._before.get(key) if key else None
        if before is not None and before.state is State.ACCEPTED:
            return trace.as_outcome("already_accepted", "Recorded Future has accepted it before")
        became, words = _BECAME[current.state if current else State.PLANNED]
        message = f": {current.message}" if current and current.message and became == "rejected" else ""
        return trace.as_outcome(became, words + message)

    def _keep_quarantined(self, traced: Sequence[Traced]) -> None:
        """Put what a later stage than before refuses into the quarantine of that stage."""
        for stage in ("map", "validate"):
            later = [t for t in traced if t.verdict and t.stage == stage != t.entry.stage]
            if not later:
                continue
            with SideArtifacts(self.folder, stage) as side:
                for trace in later:
                    if trace.verdict is not None:
                        side.add_quarantined(trace.verdict, trace.record)
            self._history(stage).add_quarantined(read_artifact(side.artifacts["quarantined"]))

    def _history(self, stage: str) -> History:
        deliveries = self.deliveries
        return History(deliveries.connection, self.connector.name, deliveries.run_id, stage)
