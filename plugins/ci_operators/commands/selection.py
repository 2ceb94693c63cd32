"""What a command is about: connectors of the file, their ledgers, a point in time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from ci_operators.answers.ledgers import group_by_ledger
from ci_operators.connectors_file import ConnectorsFile, connectors_path, load_connectors
from ci_operators.core.connector import Connector
from ci_operators.core.duration import read_duration
from ci_operators.core.errors import ConfigurationError
from ci_operators.core.instant import read_instant


def choose_connectors(found: ConnectorsFile, names: Sequence[str]) -> list[Connector]:
    """Return the connectors of these names, all if none is named. Raises ConfigurationError on one that is none,
    and if there is none at all."""
    unknown = sorted(set(names) - {connector.name for connector in found.connectors})
    if unknown:
        known = ", ".join(connector.name for connector in found.connectors) or "none"
        raise ConfigurationError(f"There is no connector {', '.join(unknown)}; there are: {known}.")
    if not found.connectors:
        raise ConfigurationError(f"{connectors_path()} has no connector, and so no ledger.")
    return [connector for connector in found.connectors if not names or connector.name in names]


def load_one(name: str) -> tuple[ConnectorsFile, Connector]:
    """Return the file and the connector of this name."""
    found = load_connectors()
    return found, choose_connectors(found, [name])[0]


def name_ledgers(connectors: Iterable[Connector]) -> list[str]:
    """Return the Connections of the connectors' ledgers, each once."""
    return list(group_by_ledger(connectors))


def read_moment(option: str, text: str | None, now: datetime) -> datetime | None:
    """Return the instant of an option: a date and time with a zone, or how long ago."""
    if text is None:
        return None
    try:
        instant, has_zone = read_instant(text)
    except ValueError:
        try:
            return now - read_duration(text)
        except ValueError:
            raise ConfigurationError(
                f"{option} {text[:40]!r} is neither a date and time, such as 2026-03-10T12:00:00Z, nor how long ago, "
                'such as "7 days".'
            ) from None
    if not has_zone:
        raise ConfigurationError(f"{option} {text[:40]!r} names no time zone; write it like 2026-03-10T12:00:00Z.")
    return instant
