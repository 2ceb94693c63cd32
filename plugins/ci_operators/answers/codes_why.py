"""Why a delivered detection has no ATT&CK codes: its event is looked for again and taken through the mapping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from ci_operators.answers.judgement import explain_codes, judge
from ci_operators.answers.source_question import FetchEvent
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.ledger.trail import DeliveredDetection, Trail
from ci_operators.sources.registry import load_source

#: Gives the event of an id from the artifacts of a connector's run, None if they are gone.
FindStaged = Callable[[Connector, str, str], bytes | None]


def find_nothing(connector: Connector, run_id: str, event_id: str) -> bytes | None:
    """Return None: no artifacts are at hand."""
    del connector, run_id, event_id
    return None


def find_codes_why(
    trail: Trail,
    event_id: str,
    connectors: Sequence[Connector],
    find_staged: FindStaged,
    fetch: FetchEvent,
    now: datetime,
) -> list[str]:
    """Return a sentence for each detection of the event without ATT&CK codes: why it has none."""
    known = {connector.name: connector for connector in connectors}
    bare = [found for found in trail.detections if not found.codes and found.connector in known]

    def explain_one(found: DeliveredDetection) -> list[str]:
        connector = known[found.connector]
        try:
            event = find_staged(connector, found.run_id, event_id) or fetch(connector, event_id, now)
            verdict = judge(connector, event) if event else None
        except CollectiveInsightsError as err:
            return [f"The event cannot be looked at again: {err}"]
        if verdict is None:
            return [f"Neither the run's artifacts nor {load_source(connector.source).title} have the event any more."]
        if verdict.detection is None or verdict.detection.codes:
            return ["By today's options its detection would be another one: they, or the event, have changed since."]
        return explain_codes(connector, verdict)

    return [f"{found.connector}: no ATT&CK codes. {text}" for found in bare for text in explain_one(found)]
