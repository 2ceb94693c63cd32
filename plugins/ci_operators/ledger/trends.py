"""Delivered and undelivered records over time: by day, by ATT&CK code, by reason, by indicator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, TextClause, text

from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.overview import find_names
from ci_operators.ledger.stage_figures import ARRIVED_CODES, read_figures
from ci_operators.ledger.tables import ALL_CODES, make_statement

#: The most detections read for the top indicators, so that a page does not wait long.
READ_AT_MOST = 100_000

_DAYS = text(
    """
    SELECT c.name, t.day, t.detections
    FROM connector c JOIN delivered_day t
      ON t.connector_id = c.id AND t.code = :all AND t.day >= :since AND t.day < :until
    WHERE c.name = ANY(:connectors) AND t.detections > 0 ORDER BY t.day, c.name
    """
)
_CODES = text(
    """
    SELECT t.code, sum(t.detections)::bigint
    FROM connector c JOIN delivered_day t ON t.connector_id = c.id AND t.day >= :since AND t.day < :until
    WHERE c.name = ANY(:connectors) AND t.code <> :all
    GROUP BY t.code HAVING sum(t.detections) > 0 ORDER BY 2 DESC, 1
    """
)
#: One connector's newest first, by an index with all these columns. The connectors' rows are merged; if each were
#: not ordered, PostgreSQL would read and sort them all.
_NEWEST = """(
    SELECT connector_id, detected_at, key, batch_id, state FROM detection
    WHERE connector_id = {:d} AND detected_at >= :since AND detected_at < :until ORDER BY detected_at DESC
)"""
#: The last 8 bytes of a key are the hash of the indicator's type and value.
_TOP = """
    WITH newest AS MATERIALIZED (
        SELECT substring(n.key FROM 9) AS tail, n.key, n.connector_id, n.detected_at,
               coalesce(n.state, b.state) = ACCEPTED AS is_accepted
        FROM (SELECT * FROM ({}) u ORDER BY detected_at DESC LIMIT :most) n JOIN batch b ON b.id = n.batch_id
    ),
    top AS (
        SELECT tail, count(*) AS detections, max(detected_at) AS last_at FROM newest WHERE is_accepted
        GROUP BY tail ORDER BY 2 DESC, 3 DESC, 1 LIMIT :limit
    )
    SELECT r.read, d.indicator_type, d.indicator, t.detections, t.last_at, t.connectors
    FROM (SELECT count(*) AS read FROM newest) r
    LEFT JOIN (
        SELECT t.detections, t.last_at, array_agg(DISTINCT n.connector_id) AS connectors, (array_agg(n.key))[1] AS key
        FROM top t JOIN newest n ON n.tail = t.tail AND n.is_accepted GROUP BY t.tail, t.detections, t.last_at
    ) t ON true
    LEFT JOIN detection d ON d.key = t.key
    ORDER BY t.detections DESC, t.last_at DESC, d.indicator
"""


@dataclass(frozen=True, slots=True)
class DayCount:
    """Accepted detections of a connector that were detected on a day (UTC)."""

    connector: str
    day: date
    detections: int


@dataclass(frozen=True, slots=True)
class CodeCount:
    """Accepted detections with an ATT&CK code; `code` is NO_CODE (empty) of those that have none.

    A detection with two codes is counted for both.
    """

    code: str
    detections: int


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """Records that a connector's stage dropped or quarantined (`fate`), by its code."""

    connector: str
    stage: str
    fate: str
    code: str
    events: int

    @property
    def has_arrived(self) -> bool:
        """Return whether the records had already arrived, so that no criterion excluded them."""
        return self.fate == "dropped" and self.code in ARRIVED_CODES


@dataclass(frozen=True, slots=True)
class IndicatorCount:
    """Accepted detections of an indicator, with the connectors that delivered them."""

    type: str
    value: str
    detections: int
    last_at: datetime
    connectors: Sequence[str]


@dataclass(frozen=True, slots=True)
class TopIndicators:
    """The most frequent indicators of the `read` newest detections; `is_partial`: there may be older ones."""

    indicators: Sequence[IndicatorCount]
    read: int
    is_partial: bool


def count_days(connection: Connection, connectors: Iterable[str], since: date, until: date) -> list[DayCount]:
    """Return the accepted detections of the days [since, until), the oldest first, without days that have none."""
    with speak_plainly(), connection.begin():
        return [DayCount(*row) for row in connection.execute(_DAYS, _values(connectors, since, until))]


def count_codes(connection: Connection, connectors: Iterable[str], since: date, until: date) -> list[CodeCount]:
    """Return the accepted detections of the days [since, until) by ATT&CK code, the most frequent first."""
    with speak_plainly(), connection.begin():
        return [CodeCount(*row) for row in connection.execute(_CODES, _values(connectors, since, until))]


def count_reasons(
    connection: Connection, connectors: Iterable[str], since: datetime, until: datetime
) -> list[ReasonCount]:
    """Return what the stages of live runs that ended in [since, until) dropped and quarantined, the most first."""
    names = find_names(connection, connectors)
    found = [
        ReasonCount(names[each.connector_id], each.stage, each.fate, each.code, each.events)
        for each in read_figures(connection, list(names), since, until)
        if each.fate != "in"
    ]
    return sorted(found, key=lambda each: -each.events)


def find_top_indicators(
    connection: Connection,
    connectors: Iterable[str],
    since: datetime,
    until: datetime,
    limit: int,
    read_at_most: int = READ_AT_MOST,
) -> TopIndicators:
    """Return the indicators accepted most often of those detected in [since, until), the most frequent first."""
    values = {"since": since, "until": until, "limit": limit, "most": read_at_most}
    names = find_names(connection, connectors)
    if not names:
        return TopIndicators([], 0, is_partial=False)
    with speak_plainly(), connection.begin():
        rows = connection.execute(_top(names), values).all()
    found = [
        IndicatorCount(kind, value, count, last_at, sorted(names[number] for number in numbers))
        for _, kind, value, count, last_at, numbers in rows
        if count
    ]
    read = rows[0][0]
    return TopIndicators(found, read, is_partial=read >= read_at_most)


def _top(connector_ids: Iterable[int]) -> TextClause:
    """Return the query, which reads no more than it returns."""
    return make_statement(_TOP.format(" UNION ALL ".join(_NEWEST.format(number) for number in connector_ids)))


def _values(connectors: Iterable[str], since: date, until: date) -> dict[str, object]:
    return {"connectors": list(connectors), "since": since, "until": until, "all": ALL_CODES}
