"""Why a delivered detection has no ATT&CK codes: its event is looked for again and taken through the mapping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ci_operators.answers.deadline import NEVER, Deadline
from ci_operators.answers.event.judgement import explain_codes, judge
from ci_operators.answers.event.source_question import FetchEvent
from ci_operators.answers.event.staged import PATIENCE
from ci_operators.answers.run.scan import Limits
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.ledger.trail import Trail
from ci_operators.sources.registry import load_source

#: Gives the event of an id from the artifacts of a connector's run, None if they are gone.
FindStaged = Callable[[Connector, str, str, Limits], bytes | None]


def find_nothing(connector: Connector, run_id: str, event_id: str, limits: Limits) -> bytes | None:
    """Return None: no artifacts are at hand."""
    del connector, run_id, event_id, limits
    return None


class NoTimeError(CollectiveInsightsError):
    """The time for the answer is over before everything was looked at."""


@dataclass(frozen=True, slots=True)
class EventFinder:
    """Where an event is looked for again, and until when: in a run's artifacts first, then at its source."""

    find_staged: FindStaged
    fetch: FetchEvent
    now: datetime
    deadline: Deadline = NEVER

    def find(self, connector: Connector, run_id: str, event_id: str) -> bytes | None:
        """Return the event, None if it is in neither place. Raises NoTimeError, and the errors of the tree."""
        self._check_time()
        # The source answers at once as a rule: half of the time is enough for it.
        staged = self.find_staged(connector, run_id, event_id, self.deadline.cut(PATIENCE, 0.5))
        if staged is not None:
            return staged
        self._check_time()
        return self.fetch(connector, event_id, self.now, self.deadline)

    def _check_time(self) -> None:
        if self.deadline.is_over:
            raise NoTimeError("the time is over. `python -m ci_operators explain ID` takes longer.")


def find_codes_why(trail: Trail, event_id: str, connectors: Sequence[Connector], look: EventFinder) -> list[str]:
    """Return for each connector that delivered a detection of the event without ATT&CK codes why it has none."""
    known = {connector.name: connector for connector in connectors}
    in_time = sorted(trail.detections, key=lambda found: found.first_seen)
    # The event is looked for once for each connector, in the newest run: its artifacts are the likeliest to be there.
    runs = {found.connector: found.run_id for found in in_time if not found.codes and found.connector in known}
    return [
        f"{name}: no ATT&CK codes. {text}"
        for name, run_id in runs.items()
        for text in _explain_one(known[name], run_id, event_id, look)
    ]


def _explain_one(connector: Connector, run_id: str, event_id: str, look: EventFinder) -> list[str]:
    try:
        event = look.find(connector, run_id, event_id)
        verdict = judge(connector, event) if event else None
    except CollectiveInsightsError as err:
        return [f"The event cannot be looked at again: {err}"]
    if verdict is None:
        title = load_source(connector.source).title
        return [f"The event was found again neither in the run's artifacts nor at {title}."]
    if all(row.codes for row in verdict.detections):
        return ["By today's options its detection would be another one: they, or the event, have changed since."]
    return explain_codes(connector, verdict)
