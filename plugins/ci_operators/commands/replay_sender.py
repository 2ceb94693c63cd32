"""Replayed records on their way: the same steps as the operators', then exact delivery with the ledger, as a run does
it; of a debug connector, a check."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from sqlalchemy import Connection

from ci_operators.core.connector import Connector, Destination
from ci_operators.core.verdict import Dropped, Quarantined, Step
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.quarantined import Entry, close_entries, keep_entries, make_entry, note_entries
from ci_operators.ledger.row import read_row
from ci_operators.ledger.settlement import DetectionState, find_states, override
from ci_operators.ledger.tables import State
from ci_operators.recorded_future.api import API
from ci_operators.sources.registry import load_source
from ci_operators.stages.account import Rules
from ci_operators.stages.chain import make_chain, take_through
from ci_operators.stages.delivery import deliver_once
from ci_operators.stages.refusals import DryRun
from ci_operators.stages.run import Terms
from ci_operators.stages.stored import look_up_with
from ci_operators.staging.artifact import Artifact, write_artifact
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
_HELD = "held: `settle` says whether Recorded Future has it"


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """What became of a quarantined record: a code, the stage that decided it, and the words."""

    id: int
    connector: str
    event_id: str | None
    stage: str
    became: str
    words: str


@dataclass(frozen=True, slots=True)
class Traced:
    """A quarantined record after the steps: a detection to submit, or an outcome. `verdict`: its new issue.

    An event that gives several detections is traced once for each.
    """

    entry: Entry
    stage: str
    record: bytes
    outcome: ReplayOutcome | None = None
    verdict: Quarantined | None = None

    @property
    def key(self) -> bytes | None:
        """Return the key by which the ledger knows the record; None if it is no detection."""
        is_one = self.outcome is None or self.outcome.became == "held"
        return read_row(self.entry.connector, self.record).key if is_one else None

    def as_outcome(self, became: str, words: str) -> ReplayOutcome:
        """Return the record's outcome."""
        return ReplayOutcome(self.entry.id, self.entry.connector, self.entry.event_id, self.stage, became, words)


def trace_entries(connector: Connector, entries: Sequence[Entry]) -> list[Traced]:
    """Return the records after their stage and those that follow it, submit left out."""
    chain, rules = make_chain(connector, lambda _: None), load_source(connector.source).drop_reasons
    return [trace for entry in entries for trace in _trace(entry, chain, rules)]


def _trace(entry: Entry, chain: Mapping[str, Step], rules: Mapping[str, str]) -> list[Traced]:
    if entry.stage == "submit" and entry.issue == "outcome_unknown":
        trace = Traced(entry, "submit", entry.record)
        return [replace(trace, outcome=trace.as_outcome("held", _HELD))]
    # A detection that submit refused is validated again.
    passages = take_through(chain, entry.record, entry.stage if entry.stage in chain else "validate")
    return [_judge(Traced(entry, passage.stage, passage.record), passage.verdict, rules) for passage in passages]


def _judge(trace: Traced, verdict: Dropped | Quarantined | None, rules: Mapping[str, str]) -> Traced:
    match verdict:
        case Dropped(reason):
            words = f"a criterion excludes it ({reason}): {rules.get(reason, reason)}"
            return replace(trace, outcome=trace.as_outcome("dropped", words))
        case Quarantined(issue, detail=detail):
            words = f"quarantined again ({issue}): {detail}"
            return replace(trace, outcome=trace.as_outcome("quarantined", words), verdict=verdict)
        case None:
            return trace


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
        yield DeliveringReplay(client, rules, Path(folder), deliveries)


@dataclass
class CheckingReplay:
    """Asks the API in debug mode: it stores nothing, and the quarantine stays as it is."""

    client: Client
    connector: Connector
    terms: Terms
    folder: Path

    def take(self, traced: Sequence[Traced]) -> list[ReplayOutcome]:
        """Return which records the API would take."""
        dry_run = DryRun(self.client, self.connector.name, self.terms)
        if any(trace.outcome is None for trace in traced):
            dry_run.check(_write(self.folder, traced))
        return [trace.outcome or self._outcome(trace, dry_run.refused.get(trace.key or b"")) for trace in traced]

    def outcomes(self, traced: Sequence[Traced]) -> list[ReplayOutcome]:
        """Return what the steps said, when `take` was broken off."""
        return [trace.outcome or trace.as_outcome("not_sent", "not checked") for trace in traced]

    def _outcome(self, trace: Traced, message: str | None) -> ReplayOutcome:
        if message is not None:
            return trace.as_outcome("refused", f"Recorded Future would refuse it: {message}")
        return trace.as_outcome("checked", "Recorded Future would take it; nothing is stored")


@dataclass
class DeliveringReplay:
    """Delivers with the ledger, and writes into the quarantine what became of its entries."""

    client: Client
    rules: Rules
    folder: Path
    deliveries: Deliveries
    _before: dict[bytes, DetectionState] = field(default_factory=dict)

    def take(self, traced: Sequence[Traced]) -> list[ReplayOutcome]:
        """Return what became of the records after their delivery. Raises the errors of delivery."""
        deliveries, connection = self.deliveries, self.deliveries.connection
        self._before = find_states(connection, [trace.key for trace in traced if trace.key])
        self._keep_quarantined(traced)
        going = [trace.key for trace in traced if trace.key and trace.outcome is None]
        with deliveries.lease.transaction():
            override(connection, going, State.PLANNED, "replayed", only=[State.REJECTED])
        look_up = look_up_with(self.client, deliveries, self.rules.terms.organization_ids)
        deliver_once(self.client, _write(self.folder, traced), self.folder, self.rules, deliveries, look_up)
        return self.outcomes(traced)

    def outcomes(self, traced: Sequence[Traced]) -> list[ReplayOutcome]:
        """Return what has become of the records by the ledger, and write it into the quarantine."""
        after = find_states(self.deliveries.connection, [trace.key for trace in traced if trace.key])
        outcomes = [self._outcome(trace, after) for trace in traced]
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

    def _outcome(self, trace: Traced, after: Mapping[bytes, DetectionState]) -> ReplayOutcome:
        current, before = after.get(trace.key or b""), self._before.get(trace.key or b"")
        if trace.outcome is not None and (current is None or current.state is not State.ACCEPTED):
            return trace.outcome
        if before is not None and before.state is State.ACCEPTED:
            return trace.as_outcome("already_accepted", "Recorded Future has accepted it before")
        became, words = _BECAME[current.state if current else State.PLANNED]
        message = f": {current.message}" if current and current.message and became == "rejected" else ""
        return trace.as_outcome(became, words + message)

    def _keep_quarantined(self, traced: Sequence[Traced]) -> None:
        """Put what a later stage than before refuses into the quarantine of that stage."""
        connection, number, run_id = self.deliveries.connection, self.deliveries.lease.number, self.deliveries.run_id
        entries = [
            make_entry(number, run_id, trace.stage, new.issue, new.event_id, new.detail, trace.record)
            for trace in traced
            if (new := trace.verdict) and trace.stage != trace.entry.stage
        ]
        with speak_plainly(), connection.begin():
            keep_entries(connection, entries)


ReplaySender = CheckingReplay | DeliveringReplay


def _write(folder: Path, traced: Sequence[Traced]) -> Artifact:
    """Return the artifact of the records that are to be sent."""
    with write_artifact(folder / "validate.jsonl.zst") as out:
        out.write_all([trace.record for trace in traced if trace.outcome is None])
    return out.artifact
