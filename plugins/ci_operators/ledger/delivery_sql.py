"""The statements of a delivery."""

from __future__ import annotations

from sqlalchemy import text

from ci_operators.ledger.tables import make_statement

#: Of a resent batch that has not left, the resend does not count yet.
FIND = text(
    """
    SELECT d.key, coalesce(d.state, b.state), coalesce(d.issue, b.note),
           b.resends - CAST(b.resends > 0 AND b.reserved_at IS NULL AS int),
           b.connector_id = :connector AND b.run_id = :run
           AND coalesce(b.reserved_at > CAST(:since AS timestamptz), false),
           b.connector_id = :connector AND coalesce(b.reserved_at > :taken_at, false)
    FROM detection d JOIN batch b ON b.id = d.batch_id
    WHERE d.key = ANY(CAST(:keys AS bytea[]))
    """
)
RECOVER = make_statement(
    """
    UPDATE batch SET state = UNKNOWN, note = 'the task ended before the answer came', settled_at = now()
    WHERE connector_id = :connector AND state <> ACCEPTED AND state = RESERVED RETURNING size
    """
)
#: Numbers come in the order of the sizes: rows are numbered as they are inserted.
INSERT_BATCHES = text(
    """
    INSERT INTO batch (connector_id, run_id, destination, state, size, resends)
    SELECT :connector, :run, :destination, :state, s.size, :resends
    FROM unnest(CAST(:sizes AS int[])) WITH ORDINALITY s (size, place) ORDER BY s.place RETURNING id
    """
)
#: One statement and one round trip for a few batches. It proves the lease, settles the answered batches (acceptance
#: is a fact, whichever run holds the lease), spends the day's budget if enough is left, and only then reserves.
RESERVE = make_statement(
    """
    WITH ours AS (SELECT FROM connector WHERE id = :connector AND fence = :fence FOR SHARE),
    settled AS (
        UPDATE batch b SET state = ACCEPTED, note = NULL, settled_at = now(), size = CASE WHEN EXISTS (SELECT FROM ours)
            THEN size ELSE (SELECT count(*) FROM detection WHERE batch_id = b.id) END
        WHERE id = ANY(:accepted)
    ),
    spent AS (
        INSERT INTO budget AS b (destination, day, spent) SELECT :destination, :day, :count
        WHERE :count <= :most AND EXISTS (SELECT FROM ours)
        ON CONFLICT (destination, day) DO UPDATE SET spent = b.spent + :count
        WHERE b.spent + :count <= :most AND NOT b.exhausted
        RETURNING 1
    ),
    reserved AS (
        UPDATE batch SET state = RESERVED, attempts = attempts + 1, reserved_at = now()
        WHERE id = ANY(:numbers) AND EXISTS (SELECT FROM spent) RETURNING 1
    )
    SELECT EXISTS (SELECT FROM ours), EXISTS (SELECT FROM reserved)
    """
)
SETTLE = text("UPDATE batch SET state = :state, note = :note, settled_at = now() WHERE id = :number")
#: Another run may have sent the batches' detections again, in others.
ACCEPT = make_statement(
    """
    UPDATE batch b SET state = ACCEPTED, note = NULL, settled_at = now(),
                       size = (SELECT count(*) FROM detection WHERE batch_id = b.id)
    WHERE id = ANY(:numbers)
    """
)
RELEASE = text(
    "UPDATE batch SET state = :state, note = NULL, settled_at = now(), reserved_at = NULL WHERE id = :number"
)
#: One statement for all: triggers count once, not for each row. The size of an accepted batch is what counts as
#: delivered: what leaves it, refused or sent again by another run, counts where it goes.
MOVE = make_statement(
    """
    WITH left_behind AS (
        UPDATE batch b SET size = b.size - g.gone
        FROM (
            SELECT batch_id, count(*) AS gone FROM detection WHERE key = ANY(CAST(:keys AS bytea[])) GROUP BY batch_id
        ) g
        WHERE b.id = g.batch_id AND b.state = ACCEPTED
    )
    UPDATE detection d SET batch_id = m.number, state = NULL, issue = NULL
    FROM unnest(CAST(:keys AS bytea[]), CAST(:numbers AS bigint[])) m (key, number) WHERE d.key = m.key
    """
)
QUEUE = text(
    """
    INSERT INTO waiting (connector_id, key, detection) SELECT :connector, w.key, w.detection
    FROM unnest(CAST(:keys AS bytea[]), CAST(:texts AS bytea[])) WITH ORDINALITY w (key, detection, place)
    ORDER BY w.place ON CONFLICT (key) DO NOTHING
    """
)
#: Those of detections whose quarantine entry was closed after they were last sent.
CLOSED = text(
    """
    SELECT m.key FROM unnest(CAST(:keys AS bytea[]), CAST(:digests AS bytea[])) m (key, digest)
    JOIN quarantine q ON q.connector_id = :connector AND q.stage = 'submit' AND q.record_digest = m.digest
    JOIN detection d ON d.key = m.key JOIN batch b ON b.id = d.batch_id
    WHERE q.replayed_at >= q.seen_at AND q.replayed_at > b.settled_at
    """
)
FORGET_WAITING = text("DELETE FROM waiting WHERE key = ANY(CAST(:keys AS bytea[]))")
OVERRIDE = text(
    """
    UPDATE detection d SET state = :state, issue = m.issue
    FROM unnest(CAST(:keys AS bytea[]), CAST(:issues AS text[])) m (key, issue) WHERE d.key = m.key
    """
)
#: The time from which a run's deliveries are counted: the last success of its submit. If nobody has cleared the task
#: since, it died after it had written its counts (the second column): then the start of those counts.
SINCE = text(
    """
    SELECT CASE WHEN manifest ->> 'clear_number' = CAST(:clear_number AS text) THEN manifest ->> 'counted_since'
           ELSE finished_at::text END,
           coalesce(manifest ->> 'clear_number' = CAST(:clear_number AS text), false)
    FROM stage_run WHERE connector_id = :connector AND run_id = :run AND stage = 'submit'
    """
)
#: Released batches have not been sent, and what was refused of a batch is stored nowhere.
COUNT_RUN = make_statement(
    """
    WITH sent AS (
        SELECT id, state, resends, size FROM batch
        WHERE connector_id = :connector AND run_id = :run AND reserved_at > CAST(:since AS timestamptz)
    ),
    accepted AS (
        SELECT d.indicator_type, count(*) AS detections FROM sent s JOIN detection d ON d.batch_id = s.id
        WHERE coalesce(d.state, s.state) = ACCEPTED GROUP BY d.indicator_type
    )
    SELECT (SELECT count(*) FROM sent WHERE state = ACCEPTED),
           (SELECT coalesce(jsonb_object_agg(indicator_type, detections), '{}') FROM accepted),
           (SELECT coalesce(sum(size - (
                SELECT count(*) FROM detection d WHERE d.batch_id = s.id AND d.state = REJECTED
            )), 0) FROM sent s WHERE resends > 0)
    """
)
