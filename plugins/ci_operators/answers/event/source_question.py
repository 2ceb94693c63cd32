"""An event that the ledger does not know: does its source know it, and what would become of it?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ci_operators.answers.deadline import NEVER, Deadline
from ci_operators.answers.event.judgement import explain_codes, judge, say_keeping
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.core.instant import format_instant
from ci_operators.sources.registry import load_source

#: Gives the event of an id as a connector's source has it now, None if it has none; raises an error of the tree.
#: The deadline says how long somebody waits for it; whoever has patience may outstay it.
FetchEvent = Callable[[Connector, str, datetime, Deadline], bytes | None]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which time a connector's scheduled runs have read: from the first window's begin to the last one's end."""

    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """What a source says of an event for one connector, in words. `failed`: it could not be asked.

    sentence: the same words after the connector's name, for a list of several connectors.
    codes_why: why its detection would have no ATT&CK codes; nothing if it would have some.
    """

    connector: str
    source: str
    found: bool
    words: str
    time: datetime | None = None
    failed: bool = False
    code: str | None = None
    codes_why: tuple[str, ...] = ()
    sentence: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sentence", f"{self.connector}: {self.words}")


def fetch_event(connector: Connector, event_id: str, now: datetime, deadline: Deadline = NEVER) -> bytes | None:
    """Return the event of an id as the connector's source has it now, with all the patience that a run has."""
    del deadline
    from ci_operators.hooks.vendor import VendorHook  # needs Airflow: slow to import

    source = load_source(connector.source)
    client = VendorHook(source.api, connector.source_conn_id).get_client()
    return source.find_event(client, connector, event_id, now)


def ask_source(
    connector: Connector,
    event_id: str,
    coverage: Coverage,
    now: datetime,
    fetch: FetchEvent = fetch_event,
    deadline: Deadline = NEVER,
) -> SourceAnswer:
    """Return what the connector's source says of the event, and what the connector would make of it."""
    source = load_source(connector.source)
    try:
        event = fetch(connector, event_id, now, deadline)
    except CollectiveInsightsError as err:
        return SourceAnswer(
            connector.name, source.title, False, f"{source.title} could not be asked: {err}", failed=True
        )
    if event is None:
        return SourceAnswer(connector.name, source.title, False, f"{source.title} does not know the event.")
    time = source.read_time(connector, event)
    verdict = judge(connector, event)
    fate = say_keeping(connector, verdict) or foresee(connector, time, coverage)
    if len(verdict.detections) > 1:
        indicators = ", ".join(f"{row.indicator_type} {row.indicator}" for row in verdict.detections)
        fate += f" It gives {len(verdict.detections)} detections: {indicators}."
    begin = f"{source.title} has it{f', of {format_instant(time)}' if time else ''}; "
    why = tuple(explain_codes(connector, verdict))
    return SourceAnswer(connector.name, source.title, True, begin + fate, time, code=verdict.code, codes_why=why)


def foresee(connector: Connector, time: datetime | None, coverage: Coverage) -> str:
    """Return when an event that passes the criteria arrives, in words."""
    passes = "it passes the criteria and "
    if connector.debug:
        return passes + "would be checked only: the connector is in debug mode, which delivers nothing."
    if time is None:
        return passes + "names no time: its run cannot be told."
    if coverage.since is None or coverage.until is None:
        return passes + "will arrive once the connector's first runs reach it: none has delivered yet."
    if time >= coverage.until:
        return passes + "will arrive with the next run."
    hour = time.replace(minute=0, second=0, microsecond=0)
    period = f"{format_instant(hour)} to {format_instant(hour + timedelta(hours=1))}"
    if time < coverage.since:
        return (
            passes + f"lies before the initial import ({format_instant(coverage.since)}): run a backfill of {period}."
        )
    return passes + (
        "lies in a window that was delivered without it: it was published later than the overlap reaches back, or the "
        f"options have changed since. Trigger a run of {period}; nothing is sent twice."
    )
