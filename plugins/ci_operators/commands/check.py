"""`check`: tests whether each connector reaches its source, Recorded Future and its ledger, and says what to fix."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from rich.text import Text

from ci_operators.attack import SHIPPED_VERSION, attack_edition
from ci_operators.commands.selection import pick_connectors
from ci_operators.commands.terminal import Terminal
from ci_operators.connectors_file import ConnectorsFile, load_connectors
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.recorded_future.api import API
from ci_operators.sources.registry import load_source
from ci_operators.transport.api import Api

#: Returns the result of an API's check for a Connection as a sentence, or raises a CollectiveInsightsError.
Probe = Callable[[Api, str], str]
#: The same for a ledger.
LedgerProbe = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check: the connector, whether it works, and a sentence."""

    connector: str
    works: bool
    sentence: str


def probe_connection(api: Api, conn_id: str) -> str:
    """Return the result of an API's check for an Airflow Connection as a sentence."""
    from ci_operators.hooks.vendor import VendorHook  # needs Airflow: slow to import

    return VendorHook(api, conn_id).check()


def open_and_close_ledger(conn_id: str) -> str:
    """Return a sentence on the ledger of an Airflow Connection if it answers and has the right schema."""
    from ci_operators.hooks.ledger import LedgerHook  # needs Airflow: slow to import

    return LedgerHook(conn_id).check()


def run(
    options: argparse.Namespace,
    terminal: Terminal,
    probe: Probe = probe_connection,
    probe_ledger: LedgerProbe = open_and_close_ledger,
) -> int:
    """Check the named connectors. Return 1 if something has to be fixed."""
    findings = list(find(load_connectors(), options.connectors, probe, probe_ledger))
    terminal.show(findings, map(_draw, findings))
    return 0 if all(finding.works for finding in findings) else 1


def find(found: ConnectorsFile, names: Sequence[str], probe: Probe, probe_ledger: LedgerProbe) -> Iterator[Finding]:
    """Yield the findings for the named connectors (all if none is named), and for wrong entries of the file."""
    chosen = pick_connectors(found, names)
    for problem in () if names else found.problems:
        yield Finding("connectors file", works=False, sentence=problem)
    yield _check_attack()
    for connector in chosen:
        for name, ask in _list_checks(connector, probe, probe_ledger):
            try:
                yield Finding(connector.name, works=True, sentence=name + ask())
            except CollectiveInsightsError as err:
                yield Finding(connector.name, works=False, sentence=f"{name}{err}")


def _check_attack() -> Finding:
    """Return the edition of ATT&CK in use, and whether it is at least as new as the one in this package."""
    edition = attack_edition()
    if _read_version(edition.version) >= _read_version(SHIPPED_VERSION):
        return Finding("ATT&CK", works=True, sentence=f"{edition}.")
    older = f"{edition}, is older than the shipped version {SHIPPED_VERSION}. Remove attack_table or renew its file."
    return Finding("ATT&CK", works=False, sentence=older)


def _read_version(text: str) -> list[int]:
    return [int(part) for part in text.split(".")]


def _list_checks(
    connector: Connector, probe: Probe, probe_ledger: LedgerProbe
) -> Iterator[tuple[str, Callable[[], str]]]:
    """Yield the checks of a connector, each with the prefix of its sentence."""
    yield "", partial(probe, load_source(connector.source).api_for(connector), connector.source_conn_id)
    yield "", partial(probe, API, connector.destination_conn_id)
    if not connector.debug:  # in debug mode nothing is sent, and no ledger is needed
        yield f"Ledger ({connector.ledger_conn_id}): ", partial(probe_ledger, connector.ledger_conn_id)


def _draw(finding: Finding) -> Text:
    mark = ("works", "green") if finding.works else ("fix  ", "red")
    return Text.assemble(mark, f" {finding.connector}: {finding.sentence}")
