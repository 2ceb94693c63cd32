"""The counts of stages in a period: whole days from the roll-up, the rest from the runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, text

from ci_operators.ledger.access import speak_plainly

#: Detections that submit drops have already arrived: no criterion excluded them.
ARRIVED_CODES = ("already_accepted", "duplicate")

#: Counts the same as the triggers of migration 0002: change both together.
_OF_RUNS = """
        SELECT r.connector_id, r.stage, f.fate, f.code, f.events
        FROM stage_run r CROSS JOIN LATERAL (
            SELECT 'in' AS fate, '' AS code, r.records_in AS events
            UNION ALL SELECT 'dropped', key, value::bigint FROM jsonb_each_text(r.dropped)
            UNION ALL SELECT 'quarantined', key, value::bigint FROM jsonb_each_text(r.quarantined)
        ) f
        WHERE r.connector_id = ANY(:connectors) AND NOT r.debug
          AND r.finished_at >= :{edge}_begins AND r.finished_at < :{edge}_ends
"""
_FIGURES = """
    WITH part AS (
        SELECT connector_id, stage, fate, code, events FROM stage_day
        WHERE connector_id = ANY(:connectors) AND day >= :first AND day < :last
        UNION ALL {before} UNION ALL {behind}
    )
    SELECT connector_id, stage, fate, code, sum(events)::bigint FROM part
    GROUP BY connector_id, stage, fate, code HAVING sum(events) > 0 ORDER BY connector_id, stage, fate, code
"""
_QUERY = text(_FIGURES.format(before=_OF_RUNS.format(edge="before"), behind=_OF_RUNS.format(edge="behind")))


@dataclass(frozen=True, slots=True)
class StageFigure:
    """Records of a connector's stage. fate: dropped or quarantined, with a code, or in (all input, without code)."""

    connector_id: int
    stage: str
    fate: str
    code: str
    events: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A period as whole UTC days, [first, last), and its parts before and after them."""

    first: date
    last: date
    before: tuple[datetime, datetime]
    behind: tuple[datetime, datetime]


def read_figures(
    connection: Connection, connector_ids: Sequence[int], since: datetime, until: datetime | None = None
) -> list[StageFigure]:
    """Return the counts of live runs' stages that ended in [since, until)."""
    cut = cut_days(since, until)
    values = {
        "connectors": list(connector_ids),
        "first": cut.first,
        "last": cut.last,
        "before_begins": cut.before[0],
        "before_ends": cut.before[1],
        "behind_begins": cut.behind[0],
        "behind_ends": cut.behind[1],
    }
    with speak_plainly(), connection.begin():
        return [StageFigure(*row) for row in connection.execute(_QUERY, values)]


def cut_days(since: datetime, until: datetime | None) -> Cut:
    """Return the whole days of a period, and its edges. Without `until`, the period has no end."""
    begin = _midnight(since)
    if begin < since:
        begin += timedelta(days=1)
    if until is None:
        return Cut(begin.date(), date.max, (since, begin), (begin, begin))
    end = _midnight(until)
    if end < begin:
        return Cut(begin.date(), begin.date(), (since, until), (until, until))
    return Cut(begin.date(), end.date(), (since, begin), (end, until))


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
