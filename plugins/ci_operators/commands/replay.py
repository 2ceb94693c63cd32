"""`quarantine replay`: processes records again, from the stage that quarantined them."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from rich.console import RenderableType

from ci_operators.answers.ledgers import open_ledger
from ci_operators.commands.replay_sender import ReplayOutcome, ReplaySender, Traced, open_sender, trace_entries
from ci_operators.commands.selection import refuse_everything, select_entries
from ci_operators.commands.terminal import Terminal, make_table, sentence
from ci_operators.connectors_file import load_connectors
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.core.instant import format_instant
from ci_operators.ledger.quarantined import Wanted, find_newest, read_pages

#: The most outcomes that are listed; all are counted.
LISTED = 200
#: Outcomes after which there is something left to do.
UNFINISHED = ("quarantined", "rejected", "unknown", "held", "not_sent", "refused")


@dataclass
class Report:
    """The result of a replay: counts by outcome, a list of the first outcomes, errors that ended it early.

    An event that gives several detections has an outcome for each. entries: the number of records.
    """

    run_id: str
    dry_run: bool
    debug_connectors: list[str] = field(default_factory=list)
    entries: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    outcomes: list[ReplayOutcome] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, outcomes: Sequence[ReplayOutcome]) -> None:
        """Count outcomes."""
        self.entries += len({outcome.id for outcome in outcomes})
        self.counts.update(outcome.became for outcome in outcomes)
        self.outcomes += outcomes[: LISTED - len(self.outcomes)]


def run_replay(options: argparse.Namespace, terminal: Terminal) -> int:
    """Replay the records that the options name. Return 1 if one of them is not finished."""
    refuse_everything(options)
    ledgers, wanted = select_entries(options, terminal.now())
    if options.ids:
        wanted = replace(wanted, ids=options.ids, settled_too=True)
    report = Report(f"replay__{format_instant(terminal.now())}", options.dry_run)
    for conn_id, connectors in ledgers.items():
        for connector in connectors:
            _replay_connector(conn_id, connector, replace(wanted, connectors=[connector.name]), report)
    if options.ids and report.entries < len(set(options.ids)):
        report.problems.append("Some of the ids are not in the quarantine of any connector in the file.")
    terminal.show(report, _draw(report))
    return 1 if report.problems or any(report.counts[became] for became in UNFINISHED) else 0


def _replay_connector(conn_id: str, connector: Connector, wanted: Wanted, report: Report) -> None:
    destination = load_connectors().destination(connector.destination_conn_id)
    with ExitStack() as stack:
        connection = stack.enter_context(open_ledger(conn_id))
        sender: ReplaySender | None = None
        newest = find_newest(connection, replace(wanted, settled_too=True), 1)  # without what this replay adds
        for page in read_pages(connection, replace(wanted, before=newest[0].id + 1 if newest else 1)):
            if connector.debug and connector.name not in report.debug_connectors:
                report.debug_connectors.append(connector.name)
            traced = trace_entries(connector, page)
            if report.dry_run:
                report.add([_foresee(trace) for trace in traced])
                continue
            sender = sender or stack.enter_context(open_sender(connection, connector, destination, report.run_id))
            try:
                report.add(sender.take(traced))
            except CollectiveInsightsError as err:
                report.add(sender.outcomes(traced))
                report.problems.append(f"{connector.name}: {err}")
                return


def _foresee(trace: Traced) -> ReplayOutcome:
    return trace.outcome or trace.as_outcome("would_be_sent", "passes all stages now; a replay would send it")


def _draw(report: Report) -> Iterator[RenderableType]:
    columns = ("id", "connector", "event", "stage", "became", "in words")
    rows = [(o.id, o.connector, o.event_id, o.stage, o.became, o.words) for o in report.outcomes]
    yield make_table("Dry run" if report.dry_run else f"Replay {report.run_id}", columns, rows)
    counts = ", ".join(f"{count} {became.replace('_', ' ')}" for became, count in sorted(report.counts.items()))
    yield sentence(f"{report.entries} records: {counts or 'nothing to replay'}.")
    for name in report.debug_connectors:
        yield sentence(f"{name} is in debug mode. Its records are only checked; nothing is stored.", "yellow")
    for problem in report.problems:
        yield sentence(problem, "red")
