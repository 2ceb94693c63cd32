"""Finds what a command's options name: connectors, their ledgers, entries of the quarantine, a point in time."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime

from ci_operators.answers.ledgers import group_by_ledger
from ci_operators.connectors_file import ConnectorsFile, connectors_path, load_connectors
from ci_operators.core.connector import Connector
from ci_operators.core.duration import read_duration
from ci_operators.core.errors import ConfigurationError
from ci_operators.core.instant import read_instant
from ci_operators.ledger.quarantined import Wanted


def pick_connectors(found: ConnectorsFile, names: Sequence[str]) -> list[Connector]:
    """Return the named connectors, all if none is named. Raises ConfigurationError for an unknown name."""
    unknown = sorted(set(names) - {connector.name for connector in found.connectors})
    if unknown:
        known = ", ".join(connector.name for connector in found.connectors) or "none"
        raise ConfigurationError(f"The connectors file has no connector {', '.join(unknown)}. It has: {known}.")
    return [connector for connector in found.connectors if not names or connector.name in names]


def choose_connectors(found: ConnectorsFile, names: Sequence[str]) -> list[Connector]:
    """Return the named connectors as `pick_connectors` does. Raises ConfigurationError also if the file has none."""
    chosen = pick_connectors(found, names)
    if not chosen:
        raise ConfigurationError(f"{connectors_path()} has no connectors, so there is no ledger.")
    return chosen


def load_one(name: str) -> tuple[ConnectorsFile, Connector]:
    """Return the file and the connector with this name."""
    found = load_connectors()
    return found, choose_connectors(found, [name])[0]


def select_entries(options: argparse.Namespace, now: datetime) -> tuple[dict[str, list[Connector]], Wanted]:
    """Return the ledgers that the options select, with their connectors, and which entries they select."""
    chosen = choose_connectors(load_connectors(), [options.connector] if options.connector else [])
    wanted = Wanted(
        connectors=[options.connector] if options.connector else None,
        issue=getattr(options, "issue", None),
        since=read_moment("--since", getattr(options, "since", None), now),
        before=getattr(options, "before", None),
        settled_too=getattr(options, "settled_too", False),
    )
    return group_by_ledger(chosen), wanted


def refuse_everything(options: argparse.Namespace) -> None:
    """Raise ConfigurationError if the options select no entries, because the action would apply to all."""
    if not options.ids and not options.connector and not options.issue:
        raise ConfigurationError(
            f"Specify what to {options.action}: ids from `quarantine list`, --connector, or --issue."
        )


def read_moment(option: str, text: str | None, now: datetime) -> datetime | None:
    """Return the instant in an option's text: a date and time with a zone, or a duration before now."""
    if text is None:
        return None
    try:
        instant, has_zone = read_instant(text)
    except ValueError:
        try:
            return now - read_duration(text)
        except ValueError:
            raise ConfigurationError(
                f"{option} {text[:40]!r} is not a date and time, such as 2026-03-10T12:00:00Z, and not a duration, "
                'such as "7 days".'
            ) from None
    if not has_zone:
        raise ConfigurationError(f"{option} {text[:40]!r} has no time zone. Write it like 2026-03-10T12:00:00Z.")
    return instant
