"""Takes replayed records through the same steps as a run, then delivers them with the ledger, or only checks them if
the connector is in debug mode."""

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

#: State of a detection after the delivery -> its outcome, and the outcome in words.
_BECAME = {
    State.ACCEPTED: ("accepted", "delivered"),
    State.REJECTED: ("rejected", "rejected by Recorded Future"),
    State.WAITING: ("waiting", "waiting for the day's budget; a later run sends it"),
    State.UNKNOWN: ("unknown", "sent, but it is not known whether Recorded Future stored it"),
    State.RESERVED: ("unknown", "sent, but it is not known whether Recorded Future stored it"),
    State.PLANNED: ("not_sent", "not sent yet"),
}
#: Outcomes after which nothing is left to do about the quarantined record.
_ENDS = ("accepted", "already_accepted", "dropped", "waiting")
_HELD = "held: use `settle` to decide about it"


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """The outcome of a quarantined record: a code, the stage that decided it, and the words."""

    id: int
    connector: str
    event_id: str | None
    stage: str
    became: str
    words: str


@dataclass(frozen=True, slots=True)
class Traced:
    """A quarantined record after the steps: a detection to submit, or an outcome. verdict: its new issue.

    An event that gives several detections is traced once for each.
    """

    entry: Entry
    stage: str
    record: bytes
    outcome: ReplayOutcome | None = None
    verdict: Quarantined | None = None

    @property
    def key(self) -> bytes | None:
        """Return the key of the record in the ledger, None if it is not a detection."""
        is_one = self.outcome is None or self.outcome.became == "held"
        return read_row(self.entry.connector, self.record).key if is_one else None

    def as_outcome(self, became: str, words: str) -> ReplayOutcome:
        """Return an outcome of the record, with its id, connector and event id."""
        return ReplayOutcome(self.entry.id, self.entry.connector, self.entry.event_id, self.stage, became, words)


def trace_entries(connector: Connector, entries: Sequence[Entry]) -> list[Traced]:
    """Return the records after their stage and the stages that follow it, without submit."""
    chain, rules = make_chain(connector, lambda _: None), load_source(connector.source).drop_reasons
    return [trace for entry in entries for trace in _trace(entry, chain, rules)]


def _trace(entry: Entry, chain: Mapping[str, Step], rules: Mapping[str, str]) -> list[Traced]:
    if entry.stage == "submit" and entry.issue == "outcome_unknown":
        trace = Traced(entry, "submit", entry.record)
        return [replace(trace, outcome=trace.as_outcome("held", _HELD))]
    # A detection that submit quarantined is validated again.
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
    """Yield the sender of a connector; that of a debug connector only checks."""
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
            parallel_requests=connector.parallel_requests,
        )
        deliveries = Deliveries(connection, connector.name, run_id, connector.destination_conn_id)
        deliveries.lock()
        yield DeliveringReplay(client, rules, Path(folder), deliveries)


@dataclass
class CheckingReplay:
    """Sends the records in debug mode: the API stores nothing, and the quarantine does not change."""

    client: Client
    connector: Connector
    terms: Terms
    folder: Path

    def take(self, traced: Sequence[Traced]) -> list[ReplayOutcome]:
        """Return the outcomes: which records the API would accept."""
        dry_run = DryRun(self.client, self.connector.name, self.terms)
        if any(trace.outcome is None for trace in traced):
            dry_run.check(_write(self.folder, traced))
        return [trace.outcome or self._outcome(trace, dry_run.refused.get(trace.key or b"")) for trace in traced]

    def outcomes(self, traced: Sequence[Traced]) -> list[ReplayOutcome]:
        """Return the outcomes of the steps, if `take` failed."""
        return [trace.outcome or trace.as_outcome("not_sent", "not checked") for trace in traced]

    def _outcome(self, trace: Traced, message: str | None) -> ReplayOutcome:
        if message is not None:
            return trace.as_outcome("refused", f"Recorded Future would reject it: {message}")
        return trace.as_outcome("checked", "Recorded Future would accept it; nothing is stored")


@dataclass
class DeliveringReplay:
    """Delivers the records with the ledger, and writes their outcomes into the quarantine."""

    client: Client
    rules: Rules
    folder: Path
    deliveries: Deliveries
    _before: dict[bytes, DetectionState] = field(default_factory=dict)

    def take(self, traced: Sequence[Traced]) -> list[ReplayOutcome]:
        """Deliver the records, and return their outcomes. Raises the errors of the delivery."""
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
        """Return the outcomes of the records by the ledger, and write them into the quarantine."""
        after = find_states(self.deliveries.connection, [trace.key for trace in traced if trace.key])
        outcomes = [self._outcome(trace, after) for trace in traced]
        stages = {trace.entry.id: trace.entry.stage for trace in traced}
        with speak_plainly(), self.deliveries.connection.begin():
            for entry_id, found in groupby(outcomes, key=lambda outcome: outcome.id):
                self._note(entry_id, stages[entry_id], list(found))
        return outcomes

    def _note(self, entry_id: int, stage: str, outcomes: Sequence[ReplayOutcome]) -> None:
        """Write the outcome of an entry, and close it if nothing is left to do about any of its detections."""
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
            return trace.as_outcome("already_accepted", "Recorded Future accepted it before")
        became, words = _BECAME[current.state if current else State.PLANNED]
        message = f": {current.message}" if current and current.message and became == "rejected" else ""
        return trace.as_outcome(became, words + message)

    def _keep_quarantined(self, traced: Sequence[Traced]) -> None:
        """Quarantine the records that a later stage than before rejects, with that stage."""
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
    """Return a new artifact with the records to send."""
    with write_artifact(folder / "validate.jsonl.zst") as out:
        out.write_all([trace.record for trace in traced if trace.outcome is None])
    return out.artifact
