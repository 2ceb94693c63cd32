"""`ledger`: migrates its tables, shows their version, and hands a connector's records over. Tasks never do this."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from alembic.util import CommandError

from ci_operators.answers.ledgers import group_by_ledger, name_ledger, open_ledger
from ci_operators.commands.selection import choose_connectors, load_one
from ci_operators.commands.terminal import Terminal, make_table, sentence
from ci_operators.connectors_file import load_connectors
from ci_operators.core.errors import ConfigurationError
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.hand_over import hand_over
from ci_operators.ledger.overview import find_others
from ci_operators.ledger.schema import migrate
from ci_operators.ledger.version import NEEDED_VERSION, check_version, read_version


@dataclass(frozen=True, slots=True)
class Version:
    """The version of one ledger's tables. problem: what to do about it, empty if nothing."""

    connection: str
    version: str | None
    needed: str
    problem: str


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Migrate, hand over, or show the version. Return 1 if a version is not the one that this code needs."""
    if options.action == "hand-over":
        return _hand_over(options, terminal)
    conn_ids = [options.connection]
    if not options.connection:
        conn_ids = list(group_by_ledger(choose_connectors(load_connectors(), [])))
    versions = list(_migrate(conn_ids) if options.action == "migrate" else _tell(conn_ids))
    rows = [(v.connection, v.version or "none", v.needed, v.problem or "up to date") for v in versions]
    terminal.show(versions, [make_table("Ledger", ("Connection", "version", "needed", "state"), rows)])
    return 1 if any(version.problem for version in versions) else 0


def _hand_over(options: argparse.Namespace, terminal: Terminal) -> int:
    found, new = load_one(options.new)
    if options.old in found.names:
        raise ConfigurationError(f"{options.old} is still in the connectors file. Rename or remove its entry first.")
    with open_ledger(new.ledger_conn_id) as connection:
        others = find_others(connection, filter(None, found.names)).values()
        if options.old not in others:
            raise ConfigurationError(
                f"The ledger of {new.name} has no connector {options.old}. Besides those in the file it has: "
                f"{', '.join(others) or 'none'}."
            )
        both = [Deliveries(connection, name, "hand-over", new.destination_conn_id) for name in (options.old, new.name)]
        for deliveries in both:
            deliveries.lock(even_handed_over=True).recover()
        done = hand_over(*(deliveries.lease for deliveries in both))
    words = (
        f"{new.name} took over {done.detections} detections of {options.old}, of which {done.waiting} wait for the "
        f"next run, and {done.quarantined} open quarantined records."
    )
    terminal.show(done, [sentence(words)])
    return 0


def _migrate(conn_ids: list[str]) -> Iterator[Version]:
    from ci_operators.hooks.ledger import ledger_engine  # needs Airflow: slow to import

    for conn_id in conn_ids:
        try:
            with name_ledger(conn_id), speak_plainly():
                version = migrate(ledger_engine(conn_id))
        except CommandError:  # Alembic does not know the version
            raise ConfigurationError(
                f"Connection {conn_id}: the ledger's schema is newer than this code ({NEEDED_VERSION}). "
                "Upgrade this project."
            ) from None
        yield Version(conn_id, version, NEEDED_VERSION, "")


def _tell(conn_ids: list[str]) -> Iterator[Version]:
    from ci_operators.hooks.ledger import ledger_engine  # needs Airflow: slow to import

    for conn_id in conn_ids:
        with name_ledger(conn_id), speak_plainly(), ledger_engine(conn_id).connect() as connection:
            problem = ""
            try:
                check_version(connection)
            except ConfigurationError as err:
                problem = str(err)
            yield Version(conn_id, read_version(connection), NEEDED_VERSION, problem)
