"""Ledgers like those after years of runs, filled by PostgreSQL itself: ten connectors, a run every 30 minutes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine, text

CONNECTORS = 10
#: Detections of a run, and events that it drops.
PER_RUN = 25
DROPPED_PER_RUN = 10
#: This connector exceeded its budget: a part of its detections waits.
SHORT = f"sentinelone-{CONNECTORS}"
#: A run of the first connector that dropped as many events as the ledger has detections.
IMPORT = "manual__import"

_CONNECTORS = """
    INSERT INTO connector (name)
    SELECT CASE WHEN n % 2 = 1 THEN 'okta-' ELSE 'sentinelone-' END || n FROM generate_series(1, :connectors) n
"""
#: Their states exist from the start, so that the database counts all detections at once.
_BATCHES = """
    INSERT INTO batch (connector_id, run_id, destination, state, size, attempts, planned_at, reserved_at, settled_at)
    SELECT id, 'scheduled__' || to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS+00:00'), 'recorded_future_default',
           CASE WHEN name = :short AND n / :connectors % 5 = 0 THEN 5 WHEN n % 401 = 0 THEN 4 ELSE 2 END,
           :size, 1, at, at, at
    FROM (
        SELECT c.id, c.name, :now - age * interval '30 minutes' - c.id * interval '1 minute' AS at,
               row_number() OVER (ORDER BY age DESC, c.id) AS n
        FROM generate_series(:runs, 1, -1) age CROSS JOIN connector c
    ) t
    ORDER BY n
"""
#: Addresses repeat, a few of them very often; most hashes are new.
_DETECTIONS = r"""
    INSERT INTO detection (key, batch_id, connector_id, event_id, indicator_type, indicator, detected_at, codes,
                           state, issue, first_seen)
    SELECT substring(sha256(convert_to(name, 'UTF8') || '\x00' || convert_to(event, 'UTF8')) FOR 8)
           || substring(sha256(convert_to(kind, 'UTF8') || '\x00' || convert_to(value, 'UTF8')) FOR 8),
           batch_id, connector_id, event, kind, value, planned_at - chance * interval '30 minutes',
           CASE WHEN chance < 0.6 THEN '{T1110.003}' WHEN chance < 0.9 THEN '{T1078,T1110}' ELSE '{}' END::text[],
           CASE WHEN n = 1 AND batch_id % 41 = 0 THEN 3 END,
           CASE WHEN n = 1 AND batch_id % 41 = 0 THEN 'no address' END, planned_at
    FROM (
        SELECT b.id AS batch_id, b.connector_id, b.planned_at, c.name, n, (:size - n + random()) / :size AS chance,
               gen_random_uuid()::text AS event, exp(random() * ln(60000))::int AS rank
        FROM batch b JOIN connector c ON c.id = b.connector_id CROSS JOIN generate_series(1, :size) n
    ) drawn
    CROSS JOIN LATERAL (
        SELECT CASE WHEN name LIKE 'okta%' THEN 'ip' ELSE 'hash' END AS kind,
               CASE WHEN name LIKE 'okta%' THEN '198.' || rank / 62500 || '.' || rank / 250 % 250 || '.' || rank % 250
                    WHEN chance < 0.1 THEN md5((rank % 50)::text) ELSE md5(event) END AS value
    ) what
    ORDER BY batch_id, n
"""
_WAITING = """
    INSERT INTO waiting (connector_id, key, detection)
    SELECT d.connector_id, d.key, convert_to(rpad(d.event_id, 600, d.indicator), 'UTF8')
    FROM batch b JOIN detection d ON d.batch_id = b.id WHERE b.state = 5
"""
_STAGES = """
    INSERT INTO stage_run (connector_id, run_id, stage, run_kind, debug, since, until, records_in, records_out,
                           dropped, quarantined, manifest, finished_at)
    SELECT b.connector_id, b.run_id, s.stage, 'scheduled', false, b.planned_at - interval '30 minutes', b.planned_at,
           :size + 10, :size,
           CASE s.stage WHEN 'filter' THEN '{"not_a_threat": 7, "missing_actor": 2}'::jsonb
                        WHEN 'map' THEN '{"private_address": 1}' WHEN 'submit' THEN '{"already_accepted": 3}'
                        ELSE '{}' END,
           CASE WHEN s.stage = 'validate' AND b.id % 21 = 0 THEN '{"malformed_indicator": 1}'::jsonb ELSE '{}' END,
           jsonb_build_object('stage', s.stage, 'location', repeat('s3://bucket/' || md5(b.id::text), 20)),
           b.planned_at + s.number * interval '20 seconds'
    FROM batch b CROSS JOIN (VALUES (1, 'extract'), (2, 'filter'), (3, 'map'), (4, 'validate'), (5, 'submit'))
        s (number, stage) ORDER BY b.id, s.number
"""
_DROPPED = r"""
    INSERT INTO dropped_event (event_key, connector_id, event_id, stage, reason, run_id, seen_at)
    SELECT substring(sha256(convert_to(c.name, 'UTF8') || '\x00' || convert_to(event, 'UTF8')) FOR 8), b.connector_id,
           event, 'filter', 'not_a_threat', b.run_id, b.planned_at
    FROM batch b JOIN connector c ON c.id = b.connector_id CROSS JOIN generate_series(1, :dropped) n
    CROSS JOIN LATERAL (SELECT 'dropped-' || b.id || '-' || n AS event) e ORDER BY b.id
"""
#: The same number again, all from one run: a first import.
_IMPORTED = r"""
    INSERT INTO dropped_event (event_key, connector_id, event_id, stage, reason, run_id, seen_at)
    SELECT substring(sha256(convert_to(c.name, 'UTF8') || '\x00' || convert_to(event, 'UTF8')) FOR 8), c.id,
           event, 'filter', CASE n % 1000 WHEN 0 THEN 'missing_actor' ELSE 'not_a_threat' END, :import, :now
    FROM connector c CROSS JOIN generate_series(1, :rows) n CROSS JOIN LATERAL (SELECT 'imported-' || n AS event) e
    WHERE c.id = 1
"""
_QUARANTINE = """
    INSERT INTO quarantine (connector_id, run_id, stage, event_id, issue, record, record_digest, seen_at)
    SELECT b.connector_id, b.run_id, 'validate', 'quarantined-' || b.id, 'malformed_indicator',
           convert_to(repeat(b.run_id, 20), 'UTF8'), sha256(convert_to(b.id::text, 'UTF8')), b.planned_at
    FROM batch b WHERE b.id % 21 = 0 ORDER BY b.id
"""
#: Keys come first, so that references to other tables are checked with an index.
_CONSTRAINTS = text(
    """
    SELECT conname AS name, conrelid::regclass::text AS of, pg_get_constraintdef(oid) AS definition FROM pg_constraint
    WHERE conrelid::regclass::text = ANY(:tables) AND contype IN ('p', 'f') ORDER BY contype DESC
    """
)
_INDEXES = text(
    "SELECT indexname AS name, indexdef AS definition FROM pg_indexes "
    "WHERE schemaname = current_schema() AND tablename = ANY(:tables)"
)
_STATEMENTS = (_CONNECTORS, _BATCHES, _DETECTIONS, _WAITING, _STAGES, _DROPPED, _IMPORTED, _QUARANTINE)


def fill_ledger(engine: Engine, rows: int, now: datetime, imported: int | None = None) -> None:
    """Fill an empty ledger with detections, the newest from `now`, and dropped events. Triggers count them.

    imported: events that the run IMPORT dropped; as many as there are detections if not given.
    """
    values = {
        "connectors": CONNECTORS,
        "size": PER_RUN,
        "dropped": DROPPED_PER_RUN,
        "runs": rows // (CONNECTORS * PER_RUN),
        "now": now,
        "short": SHORT,
        "import": IMPORT,
        "rows": rows if imported is None else imported,
    }
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL work_mem = '256MB'"))
        connection.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
        with _without_indexes(connection, "detection", "dropped_event"):
            for statement in _STATEMENTS:
                connection.execute(text(statement), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


@contextmanager
def _without_indexes(connection: Connection, *tables: str) -> Iterator[None]:
    """Drop indexes and constraints of tables, and create them at the end, as ten million rows require."""
    there = connection.execute(_CONSTRAINTS, {"tables": list(tables)}).all()
    for found in there:
        connection.execute(text(f"ALTER TABLE {found.of} DROP CONSTRAINT {found.name}"))
    indexes = connection.execute(_INDEXES, {"tables": list(tables)}).all()
    for found in indexes:
        connection.execute(text(f"DROP INDEX {found.name}"))
    yield
    for found in there:
        connection.execute(text(f"ALTER TABLE {found.of} ADD CONSTRAINT {found.name} {found.definition}"))
    for found in indexes:
        connection.execute(text(found.definition.replace(":", r"\:")))
