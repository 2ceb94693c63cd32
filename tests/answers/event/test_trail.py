"""The way of an event, in sentences and in steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ci_operators.answers.event.trail import join_trails, make_steps, tell_trail
from ci_operators.ledger.trail import DeliveredDetection, DroppedEvent, QuarantinedEvent, Trail
from tests.answers.staged_run import WORDING

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DROPPED = DroppedEvent("okta-acme", "filter", "missing_actor", "run1", AT)
QUARANTINED = QuarantinedEvent(
    "okta-acme", 5, "map", "missing_timestamp", "Odd.", "run2", AT + HOUR, AT + 2 * HOUR, "delivered"
)
DELIVERED = DeliveredDetection(
    connector="okta-acme",
    key="00",
    indicator_type="ip",
    indicator="198.51.100.2",
    detected_at=AT,
    codes=[],
    state="unknown",
    batch=7,
    run_id="run3",
    attempts=1,
    resent=False,
    first_seen=AT + 3 * HOUR,
    reserved_at=AT + 4 * HOUR,
    settled_at=None,
    message="broke off",
)
TRAIL = Trail([DROPPED], [QUARANTINED], [DELIVERED], [])


def test_each_thing_has_its_sentence() -> None:
    assert list(tell_trail(TRAIL, WORDING)) == [
        "okta-acme: dropped by filter (missing_actor) in run run1: There is no actor information under the event.",
        "okta-acme: quarantined by map as missing_timestamp in run run2 (quarantine 5): "
        "The event has no published date. Odd. Replayed: delivered.",
        "okta-acme: detection ip 198.51.100.2 is unknown: sent, and nobody can say whether Recorded Future has stored "
        "it (run run3, batch 7). Message: broke off",
    ]


def test_steps_go_run_by_run_and_stage_by_stage() -> None:
    steps = make_steps(TRAIL, WORDING)
    assert [(step.run_id, step.stage, step.fate) for step in steps] == [
        ("run1", "extract", "passed"),
        ("run1", "filter", "dropped"),
        ("run2", "extract", "passed"),
        ("run2", "filter", "passed"),
        ("run2", "map", "quarantined"),
        ("run2", "map", "replayed"),
        ("run3", "extract", "passed"),
        ("run3", "filter", "passed"),
        ("run3", "map", "passed"),
        ("run3", "validate", "passed"),
        ("run3", "submit", "unknown"),
    ]
    dropped = steps[1]
    assert (dropped.dag_id, dropped.code, dropped.at) == ("collective_insights_okta-acme", "missing_actor", AT)
    assert dropped.faq == "FAQ 2b of Recorded Future's page on Okta"
    assert steps[-1].at == AT + 4 * HOUR
    assert steps[-1].words.startswith("Sent, and nobody can say")


def test_a_refused_detection_is_one_way() -> None:
    refused = QuarantinedEvent("okta-acme", 6, "submit", "rejected_by_api", "", "run3", AT + 3 * HOUR, None, None)
    steps = make_steps(Trail((), [refused], [DELIVERED], ()), WORDING)
    assert [(step.stage, step.fate) for step in steps] == [
        ("extract", "passed"),
        ("filter", "passed"),
        ("map", "passed"),
        ("validate", "passed"),
        ("submit", "quarantined"),
        ("submit", "unknown"),
    ]


def test_trails_are_joined() -> None:
    joined = join_trails([TRAIL, TRAIL])
    assert (len(joined.dropped), len(joined.quarantined), len(joined.detections)) == (2, 2, 2)
    assert not join_trails([])
