"""The parameters of a request: a time range, and connectors whose DAGs the user can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Query

from ci_operators.airflow_plugin.compat import get_auth_manager, get_user
from ci_operators.core.connector import DAG_PREFIX, RESERVED_NAMES
from ci_operators.core.errors import ConfigurationError
from ci_operators.core.instant import read_instant

DEFAULT = timedelta(days=7)
#: Other years are typing errors, or outside the calendar.
YEARS = range(1970, 2200)


def find_readable(user: Annotated[Any, Depends(get_user)]) -> frozenset[str]:
    """Return the names of the connectors whose DAG the user can read, also of those no longer in the file."""
    dag_ids = get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
    names = (dag_id.removeprefix(DAG_PREFIX) for dag_id in dag_ids if dag_id.startswith(DAG_PREFIX))
    return frozenset(names) - RESERVED_NAMES


Readable = Annotated[frozenset[str], Depends(find_readable)]


def choose(readable: Readable, connector: Annotated[list[str] | None, Query()] = None) -> Sequence[str]:
    """Return the names in the request that the user can read, or all readable names if it has none."""
    return sorted(readable & set(connector) if connector else readable)


Chosen = Annotated[Sequence[str], Depends(choose)]


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open time range."""

    since: datetime
    until: datetime

    @property
    def first_day(self) -> date:
        """Return the day (UTC) in which the range begins: only whole days are counted."""
        return self.since.astimezone(UTC).date()

    @property
    def end_day(self) -> date:
        """Return the day after the last one."""
        return (self.until.astimezone(UTC) - timedelta(microseconds=1)).date() + timedelta(days=1)


def read_period(
    since: Annotated[str | None, Query(max_length=40)] = None, until: Annotated[str | None, Query(max_length=40)] = None
) -> Period:
    """Return the requested range, by default the last week. Raises ConfigurationError if it is not valid."""
    end = _read("until", until) or datetime.now(UTC)
    begin = _read("since", since) or end - DEFAULT
    if begin >= end:
        raise ConfigurationError("The range ends before it starts: since must be before until.")
    return Period(begin, end)


AskedPeriod = Annotated[Period, Depends(read_period)]


def _read(name: str, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        instant = read_instant(text)[0]
    except (ValueError, OverflowError):
        raise ConfigurationError(f"{name} is not a date and time. Write it like 2026-03-10T12:00:00Z.") from None
    if instant.year not in YEARS:
        raise ConfigurationError(f"{name} is in the year {instant.year}. Choose a year from {YEARS[0]} to {YEARS[-1]}.")
    return instant
