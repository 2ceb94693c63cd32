"""An event that the ledger does not know: does its source know it, and what would become of it?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ci_operators.attack import attack_table
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.core.instant import format_instant
from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.sources.registry import load_source
from ci_operators.sources.source import Source
from ci_operators.stages.contract import contract_for


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which time a connector's scheduled runs have read: from the first window's begin to the last one's end."""

    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source says of an event for one connector. `failed`: it could not be asked."""

    connector: str
    source: str
    found: bool
    sentence: str
    time: datetime | None = None
    failed: bool = False
    code: str | None = None


def ask_source(connector: Connector, event_id: str, coverage: Coverage, now: datetime) -> Answer:
    """Return what the connector's source says of the event, and what the connector would make of it."""
    from ci_operators.hooks.vendor import VendorHook  # needs Airflow: slow to import

    source = load_source(connector.source)
    try:
        client = VendorHook(source.api, connector.source_conn_id).get_client()
        event = source.find_event(client, connector, event_id, now)
    except CollectiveInsightsError as err:
        words = f"{connector.name}: {source.title} could not be asked: {err}"
        return Answer(connector.name, source.title, found=False, failed=True, sentence=words)
    if event is None:
        words = f"{connector.name}: {source.title} does not know the event."
        return Answer(connector.name, source.title, found=False, sentence=words)
    time = source.read_time(connector, event)
    code, fate = judge(source, connector, event)
    if code is None:
        fate = foresee(connector, time, coverage)
    begin = f"{connector.name}: {source.title} has it{f', of {format_instant(time)}' if time else ''}; "
    return Answer(connector.name, source.title, found=True, sentence=begin + fate, time=time, code=code)


def judge(source: Source, connector: Connector, event: bytes) -> tuple[str | None, str]:
    """Return the code and words of what keeps an event from becoming a detection; None and "" if nothing does."""
    steps = (source.criteria(connector), source.mapping(connector, lambda _: None), contract_for(attack_table()))
    record = event
    for step in steps:
        verdict = step(record)
        if isinstance(verdict, Dropped):
            return verdict.reason, f"the criteria exclude it ({verdict.reason}): {source.drop_reasons[verdict.reason]}"
        if isinstance(verdict, Quarantined):
            return verdict.issue, f"it would be quarantined ({verdict.issue}): {verdict.detail}"
        record = verdict
    return None, ""


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
