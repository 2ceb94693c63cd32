"""The figures that triggers keep, compared with a count of all rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

#: Kept figures, and the same figures counted from the rows.
_FIGURES: Mapping[str, tuple[str, str]] = {
    "delivered_day": (
        "SELECT connector_id, code, day, detections FROM delivered_day WHERE detections <> 0",
        """
        SELECT d.connector_id, c.code, (d.detected_at AT TIME ZONE 'UTC')::date, count(DISTINCT d.key)
        FROM detection d JOIN batch b ON b.id = d.batch_id,
             unnest(d.codes || '{*}'::text[] || CASE WHEN d.codes = '{}' THEN '{""}'::text[] END) c (code)
        WHERE coalesce(d.state, b.state) = 2 GROUP BY 1, 2, 3
        """,
    ),
    "waiting_count": (
        "SELECT connector_id, detections FROM waiting_count WHERE detections <> 0",
        "SELECT connector_id, count(*) FROM waiting GROUP BY 1",
    ),
    "stage_day": (
        "SELECT connector_id, day, stage, fate, code, events FROM stage_day WHERE events <> 0",
        """
        SELECT connector_id, (finished_at AT TIME ZONE 'UTC')::date, stage, fate, code, sum(events)
        FROM stage_run, LATERAL (
            SELECT 'in', '', records_in
            UNION ALL SELECT 'dropped', key, value::int FROM jsonb_each_text(dropped)
            UNION ALL SELECT 'quarantined', key, value::int FROM jsonb_each_text(quarantined)
        ) f (fate, code, events)
        WHERE NOT debug GROUP BY 1, 2, 3, 4, 5 HAVING sum(events) <> 0
        """,
    ),
}


def read_rollup(connection: Connection, table: str) -> dict[tuple[Any, ...], int]:
    """Return a roll-up's figures that are not zero."""
    return _read(connection, _FIGURES[table][0])


def check_rollups(connection: Connection) -> None:
    """Assert that the kept figures match the rows."""
    for table, (kept, counted) in _FIGURES.items():
        assert _read(connection, kept) == _read(connection, counted), table


def _read(connection: Connection, query: str) -> dict[tuple[Any, ...], int]:
    with connection.begin():
        return {tuple(key): int(figure) for *key, figure in connection.execute(text(query))}
