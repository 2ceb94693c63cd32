"""The window of a run: the half-open interval [since, until) that it reads, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from ci_operators.core.errors import ConfigurationError
from ci_operators.core.instant import format_instant, read_instant


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open interval [since, until), both in UTC."""

    since: datetime
    until: datetime

    def __str__(self) -> str:
        return f"[{format_instant(self.since)}, {format_instant(self.until)})"

    def cut(self, pieces: int) -> list[Window]:
        """Return that many windows of the same length that make up this one."""
        length = self.until - self.since
        bounds = [self.since + length * number / pieces for number in range(pieces)]
        return list(map(Window, bounds, [*bounds[1:], self.until]))


#: Airflow's run types.
RunKind = Literal["scheduled", "backfill", "manual"]


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The facts that determine the window of a run.

    since, until: texts of the trigger form; data_interval: None or empty if the run has none.
    watermark: end of the last delivered window, None before the first.
    """

    kind: RunKind
    run_after: datetime
    data_interval: Window | None = None
    since: str | None = None
    until: str | None = None
    watermark: datetime | None = None


@dataclass(frozen=True, slots=True)
class ResolvedWindow:
    """A window, and where it comes from in words."""

    window: Window
    basis: str


def resolve_window(
    request: RunRequest, *, update_frequency: timedelta, initial_import: timedelta, now: datetime
) -> ResolvedWindow:
    """Return the run's window: trigger form, else data interval, else the last `update_frequency`.

    A scheduled run reads from the watermark on, so that it includes the window of a failed run. Without a watermark
    it reads the initial import: it is the first run, or the first live one after debug mode.
    Raises ConfigurationError if the values of the trigger form are not valid.
    """
    if request.since or request.until:
        return ResolvedWindow(_from_form(request, update_frequency, now), "trigger form")
    interval = request.data_interval
    if interval is None or interval.since >= interval.until:
        until = request.run_after
        return ResolvedWindow(Window(until - update_frequency, until), "last update frequency")
    if request.kind != "scheduled":
        return ResolvedWindow(interval, "data interval")
    if request.watermark is None and now - initial_import < interval.since:
        return ResolvedWindow(Window(now - initial_import, interval.until), "data interval and the initial import")
    if request.watermark is not None and request.watermark < interval.since:
        return ResolvedWindow(Window(request.watermark, interval.until), "data interval and the gap before it")
    return ResolvedWindow(interval, "data interval")


def _from_form(request: RunRequest, update_frequency: timedelta, now: datetime) -> Window:
    if request.kind != "manual":
        raise ConfigurationError(
            "since and until are for manual runs only: a scheduled run or a backfill has its own windows."
        )
    until = _form_instant("until", request.until, now) if request.until else request.run_after
    since = _form_instant("since", request.since, now) if request.since else until - update_frequency
    if since >= until:
        raise ConfigurationError(f"until ({format_instant(until)}) must be later than since ({format_instant(since)}).")
    return Window(since, until)


def _form_instant(name: str, text: str, now: datetime) -> datetime:
    example = f"for example {format_instant(now.replace(microsecond=0))}"
    try:
        instant, has_zone = read_instant(text)
    except ValueError:
        raise ConfigurationError(f"{name} {text[:40]!r} is not a date and time. Write it {example}.") from None
    if not has_zone:
        raise ConfigurationError(f"{name} {text[:40]!r} has no time zone. Write it {example}.")
    if instant > now:
        raise ConfigurationError(f"{name} ({format_instant(instant)}) is in the future.")
    return instant
