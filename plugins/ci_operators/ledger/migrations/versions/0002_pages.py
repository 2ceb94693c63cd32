"""Figures for the pages: roll-ups that triggers keep exact, and indexes for the pages' queries."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

#: Placeholder of the ledger's schema. Functions run with their owner's rights, so that writers of detections need no
#: rights on the figures. So no name in them may resolve to a schema in which others can create objects.
_AT = "LEDGER."
#: Without JIT: if a table has grown since it was analyzed, PostgreSQL would compile, which takes 20 ms per batch.
_FUNCTION = """
    CREATE FUNCTION LEDGER.{name}() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off AS $$
    BEGIN
        {body};
        RETURN NULL;
    END $$
"""
#: Triggers call their functions without this right; others must not bind them to their own tables.
_CLOSE = "REVOKE ALL ON FUNCTION LEDGER.{name}() FROM PUBLIC"
#: Roles that can read or delete detections can do so with their figures.
_RIGHTS = """
    SELECT DISTINCT a.privilege_type AS privilege,
           CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS role
    FROM pg_class t CROSS JOIN LATERAL aclexplode(t.relacl) a
    WHERE t.oid = 'LEDGER.detection'::regclass AND a.privilege_type IN ('SELECT', 'DELETE')
"""
_GRANT = "GRANT {privilege} ON LEDGER.delivered_day, LEDGER.stage_day, LEDGER.waiting_count TO {role}"
_DAY = "(d.detected_at AT TIME ZONE 'UTC')::date AS day"
#: Counts all detections of a day ('*'), those of each code, and those without any (''). Rows are always added in the
#: same order, so that transactions do not deadlock. Detections that leave a day which retention has deleted do not
#: create it again.
_ADD_DELIVERED = """
    INSERT INTO LEDGER.delivered_day AS t (connector_id, code, day, detections)
    SELECT f.connector_id, c.code, f.day, sum(f.change) FROM found f CROSS JOIN LATERAL (
        SELECT DISTINCT unnest(CASE f.codes WHEN '{}' THEN '{*,""}' ELSE array_append(f.codes, '*') END) AS code
    ) c
    GROUP BY f.connector_id, c.code, f.day
    HAVING sum(f.change) > 0 OR sum(f.change) < 0 AND EXISTS (
        SELECT FROM LEDGER.delivered_day k WHERE (k.connector_id, k.code, k.day) = (f.connector_id, c.code, f.day)
    )
    ORDER BY f.connector_id, c.code, f.day
    ON CONFLICT (connector_id, code, day) DO UPDATE SET detections = t.detections + excluded.detections
"""
#: A batch becomes accepted, or is no longer accepted, and with it its detections without their own state.
_COUNT_BATCH = """
    WITH found AS (
        SELECT d.connector_id, d.codes, {day}, count(*) * CASE NEW.state WHEN 2 THEN 1 ELSE -1 END AS change
        FROM LEDGER.detection d WHERE d.batch_id = NEW.id AND d.state IS NULL GROUP BY d.connector_id, d.codes, day
    ) {add}
"""
#: Detections are inserted, or change their state or batch. Their batches are locked until the end, which waits for
#: a batch that is being accepted, so that each detection is counted once.
_COUNT_DETECTIONS = """
    PERFORM FROM LEDGER.batch b WHERE b.id IN (SELECT d.batch_id FROM ({rows}) d) ORDER BY b.id FOR SHARE;
    WITH found AS (
        SELECT d.connector_id, d.codes, {day}, sum(d.change) AS change
        FROM ({rows}) d JOIN LEDGER.batch b ON b.id = d.batch_id
        WHERE coalesce(d.state, b.state) = 2 GROUP BY d.connector_id, d.codes, day
    ) {add}
"""
_NEW = "SELECT n.*, 1 AS change FROM new_rows n"
_OLD = "SELECT o.*, -1 AS change FROM old_rows o"
_BOTH = f"{_NEW} UNION ALL {_OLD}"
_COUNT_WAITING = """
    INSERT INTO LEDGER.waiting_count AS t (connector_id, detections)
    SELECT connector_id, {sign} count(*) FROM changed GROUP BY connector_id ORDER BY connector_id
    ON CONFLICT (connector_id) DO UPDATE SET detections = t.detections + excluded.detections
"""
#: The figures of rows of stage_run without dry runs. ledger/stage_figures.py counts parts of days in the same way: if
#: it changes, a new migration must change the triggers and fill the figures again.
_STAGE = """
    SELECT r.connector_id, (r.finished_at AT TIME ZONE 'UTC')::date AS day, r.stage, f.fate, f.code,
           {sign} f.events AS change
    FROM {rows} r CROSS JOIN LATERAL (
        SELECT 'in' AS fate, '' AS code, r.records_in AS events
        UNION ALL SELECT 'dropped', key, value::bigint FROM jsonb_each_text(r.dropped)
        UNION ALL SELECT 'quarantined', key, value::bigint FROM jsonb_each_text(r.quarantined)
    ) f WHERE NOT r.debug
"""
_ADD_STAGE = """
    WITH found AS ({figures})
    INSERT INTO LEDGER.stage_day AS t (connector_id, day, stage, fate, code, events)
    SELECT f.connector_id, f.day, f.stage, f.fate, f.code, sum(f.change) FROM found f
    GROUP BY f.connector_id, f.day, f.stage, f.fate, f.code
    HAVING sum(f.change) > 0 OR sum(f.change) < 0 AND EXISTS (
        SELECT FROM LEDGER.stage_day k
        WHERE (k.connector_id, k.day, k.stage, k.fate, k.code) = (f.connector_id, f.day, f.stage, f.fate, f.code)
    )
    ORDER BY f.connector_id, f.day, f.stage, f.fate, f.code
    ON CONFLICT (connector_id, day, stage, fate, code) DO UPDATE SET events = t.events + excluded.events
"""
_COME = _STAGE.format(sign="", rows="new_rows")
_GONE = _STAGE.format(sign="-", rows="old_rows")
_FUNCTIONS = {
    "count_batch": _COUNT_BATCH.format(day=_DAY, add=_ADD_DELIVERED),
    "count_new_detections": _COUNT_DETECTIONS.format(rows=_NEW, day=_DAY, add=_ADD_DELIVERED),
    "count_changed_detections": _COUNT_DETECTIONS.format(rows=_BOTH, day=_DAY, add=_ADD_DELIVERED),
    "count_new_waiting": _COUNT_WAITING.format(sign=""),
    "count_gone_waiting": _COUNT_WAITING.format(sign="-"),
    "count_new_stage": _ADD_STAGE.format(figures=_COME),
    "count_changed_stage": _ADD_STAGE.format(figures=f"{_COME} UNION ALL {_GONE}"),
}
#: Rows that compaction deletes stay counted: there is no trigger for deleted detections or stage runs.
_TRIGGERS = (
    "count_batch AFTER UPDATE OF state ON batch FOR EACH ROW "
    "WHEN (OLD.state <> NEW.state AND 2 IN (OLD.state, NEW.state))",
    "count_new_detections AFTER INSERT ON detection REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT",
    "count_changed_detections AFTER UPDATE ON detection REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows "
    "FOR EACH STATEMENT",
    "count_new_waiting AFTER INSERT ON waiting REFERENCING NEW TABLE AS changed FOR EACH STATEMENT",
    "count_gone_waiting AFTER DELETE ON waiting REFERENCING OLD TABLE AS changed FOR EACH STATEMENT",
    "count_new_stage AFTER INSERT ON stage_run REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT",
    "count_changed_stage AFTER UPDATE ON stage_run REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows "
    "FOR EACH STATEMENT",
)
_FILL_DELIVERED = """
    WITH found AS (
        SELECT d.connector_id, d.codes, {day}, count(*) AS change
        FROM detection d JOIN batch b ON b.id = d.batch_id WHERE coalesce(d.state, b.state) = 2
        GROUP BY d.connector_id, d.codes, day
    ) {add}
"""
_FILL_WAITING = (
    "INSERT INTO waiting_count (connector_id, detections) SELECT connector_id, count(*) FROM waiting GROUP BY 1"
)


def upgrade() -> None:
    """Make the roll-ups, fill them, and add the triggers; make the indexes. The ledger is locked: see standstill."""
    op.execute("SET LOCAL statement_timeout = 0")
    _make_tables()
    _run(_FILL_DELIVERED.format(day=_DAY, add=_ADD_DELIVERED))
    _run(_ADD_STAGE.format(figures=_STAGE.format(sign="", rows="stage_run")))
    _run(_FILL_WAITING)
    for name, body in _FUNCTIONS.items():
        _run(_FUNCTION.format(name=name, body=body))
        _run(_CLOSE.format(name=name))
    for trigger in _TRIGGERS:
        _run(f"CREATE TRIGGER {trigger} EXECUTE FUNCTION LEDGER.{trigger.split()[0]}()")
    for row in _run(_RIGHTS).mappings().all():
        _run(_GRANT.format(**row))
    _make_indexes()


def _run(statement: str) -> sa.CursorResult[Any]:
    """Run a statement unchanged: its colons are not parameters."""
    bind = op.get_bind()
    schema = bind.scalar(sa.text("SELECT quote_ident(current_schema())"))
    return bind.exec_driver_sql(statement.replace(_AT, f"{schema}."))


def _make_tables() -> None:
    op.create_table(
        "delivered_day",
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("detections", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connector_id"], ["connector.id"]),
        sa.PrimaryKeyConstraint("connector_id", "code", "day"),
    )
    op.create_table(
        "stage_day",
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("fate", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connector_id"], ["connector.id"]),
        sa.PrimaryKeyConstraint("connector_id", "day", "stage", "fate", "code"),
    )
    op.create_table(
        "waiting_count",
        sa.Column("connector_id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("detections", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connector_id"], ["connector.id"]),
        sa.PrimaryKeyConstraint("connector_id"),
    )


def _make_indexes() -> None:
    indicator = sa.text("hashtextextended(indicator, 0)")
    op.create_index("detection_indicator", "detection", [indicator, "connector_id", "detected_at"])
    counted = ["key", "batch_id", "state"]
    op.create_index("detection_time", "detection", ["connector_id", "detected_at"], postgresql_include=counted)
    op.create_index(
        "detection_own_state",
        "detection",
        ["connector_id", "state"],
        postgresql_include=["batch_id"],
        postgresql_where="state <> 2",
    )
    op.drop_index("detection_rejected", "detection")
    op.create_index("batch_run", "batch", ["connector_id", "run_id", "id"])
    op.create_index(
        "batch_accepted",
        "batch",
        ["connector_id", "settled_at"],
        postgresql_include=["id", "size"],
        postgresql_where="state = 2",
    )
    op.create_index(
        "stage_run_window",
        "stage_run",
        ["connector_id", "until"],
        postgresql_where="run_kind = 'scheduled' AND NOT debug AND (stage = 'submit' OR records_out = 0)",
    )
    op.create_index(
        "stage_run_begin",
        "stage_run",
        ["connector_id", "since"],
        postgresql_where="run_kind = 'scheduled' AND NOT debug AND stage = 'extract'",
    )
    op.create_index("dropped_run", "dropped_event", ["connector_id", "run_id", "event_key"])
    op.create_index("quarantine_run", "quarantine", ["connector_id", "run_id", "id"])
    op.create_index(
        "quarantine_open",
        "quarantine",
        ["connector_id", "issue"],
        postgresql_where="replayed_at IS NULL OR replayed_at < seen_at",
    )
