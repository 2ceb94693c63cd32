"""`check`: does each connector reach its source, Recorded Future and its ledger? A line for each, with the mend."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from ci_operators.commands.terminal import Terminal
from ci_operators.connectors_file import ConnectorsFile, load_connectors
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError, ConfigurationError
from ci_operators.recorded_future.api import API
from ci_operators.sources.registry import load_source
from ci_operators.transport.api import Api

#: Gives the sentence of an API's check by a Connection's id, or raises an error of the tree.
Probe = Callable[[Api, str], str]
#: The same for a ledger.
LedgerProbe = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: of which connector, whether it works, and the sentence."""

    connector: str
    works: bool
    sentence: str


def run_check(
    names: Sequence[str],
    console: Console | None = None,
    probe: Probe | None = None,
    probe_ledger: LedgerProbe | None = None,
) -> int:
    """Print the findings; return 0 if all works, 1 if something is to be mended, 2 if nothing was checked."""
    console = console or Console()
    try:
        found = load_connectors()
        findings = list(find(found, names, probe or probe_connection, probe_ledger or open_and_close_ledger))
    except ConfigurationError as err:
        console.print(str(err), style="red", markup=False)
        return 2
    for finding in findings:
        mark = Text("works", "green") if finding.works else Text("mend ", "red")
        console.print(mark, f"{finding.connector}: {finding.sentence}", markup=False, highlight=False, soft_wrap=True)
    return 0 if all(finding.works for finding in findings) else 1


def find(found: ConnectorsFile, names: Sequence[str], probe: Probe, probe_ledger: LedgerProbe) -> Iterator[Finding]:
    """Yield the findings on the connectors `names` (none: on all), and on wrong entries of the file."""
    unknown = sorted(set(names) - {connector.name for connector in found.connectors})
    if unknown:
        known = ", ".join(connector.name for connector in found.connectors) or "none"
        raise ConfigurationError(f"There is no connector {', '.join(unknown)}; there are: {known}.")
    for problem in () if names else found.problems:
        yield Finding("connectors file", works=False, sentence=problem)
    for connector in found.connectors:
        if not names or connector.name in names:
            yield from _find_of(connector, probe)
            if not connector.debug:
                yield _find_of_ledger(connector, probe_ledger)


def probe_connection(api: Api, conn_id: str) -> str:
    """Return the sentence of an API's check by an Airflow Connection."""
    from ci_operators.hooks.vendor import VendorHook  # needs Airflow: slow to import

    return VendorHook(api, conn_id).check()


def open_and_close_ledger(conn_id: str) -> str:
    """Return a sentence on the ledger of an Airflow Connection, once it has answered with the right schema."""
    from ci_operators.hooks.ledger import LedgerHook  # needs Airflow: slow to import

    return LedgerHook(conn_id).check()


def _find_of(connector: Connector, probe: Probe) -> Iterator[Finding]:
    source = load_source(connector.source)
    for api, conn_id in ((source.api, connector.source_conn_id), (API, connector.destination_conn_id)):
        try:
            yield Finding(connector.name, works=True, sentence=probe(api, conn_id))
        except CollectiveInsightsError as err:
            yield Finding(connector.name, works=False, sentence=str(err))


def _find_of_ledger(connector: Connector, probe: LedgerProbe) -> Finding:
    """Return the finding on a live connector's ledger; in debug mode nothing is sent, and no ledger is needed."""
    ledger = f"Ledger ({connector.ledger_conn_id})"
    try:
        return Finding(connector.name, works=True, sentence=f"{ledger}: {probe(connector.ledger_conn_id)}")
    except CollectiveInsightsError as err:
        return Finding(connector.name, works=False, sentence=f"{ledger}: {err}")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Check the connectors that are named."""
    if not options.json:
        return run_check(options.connectors, terminal.console)
    findings = list(find(load_connectors(), options.connectors, probe_connection, open_and_close_ledger))
    terminal.show(findings, ())
    return 0 if all(finding.works for finding in findings) else 1
