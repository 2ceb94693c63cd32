"""Windows of a source whose analysts give verdicts."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from ci_operators.sources.options import VerdictConnector


class Judged(VerdictConnector):
    created_key: ClassVar[str] = "created"
    updated_key: ClassVar[str] = "updated"


def test_windows_hold_events_by_their_verdict_if_only_these_count() -> None:
    plain = Judged(name="acme", source="acme")
    verified = plain.for_run({"only_analyst_verified": True})
    assert (plain.window_key, verified.window_key) == ("created", "updated")


def test_a_verdict_may_come_as_late_as_the_floor_says() -> None:
    connector = Judged.model_validate(
        {"name": "acme", "source": "acme", "verified_floor": "3 days", "overlap": "1 hour"}
    )
    assert connector.reads_back == timedelta(days=3, hours=1)
