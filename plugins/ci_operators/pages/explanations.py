"""Why did this event not arrive? Answered for an event's id or an indicator."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter

from ci_operators.answers.deadline import Deadline
from ci_operators.answers.event.explanation import Explanation, Inquiry, explain
from ci_operators.answers.event.verdict import make_verdict
from ci_operators.answers.wording import make_wording, say_state
from ci_operators.pages.configuration import current_file
from ci_operators.pages.kept_runs import find_staged_event
from ci_operators.pages.ledgers import open_reader
from ci_operators.pages.readers import Chosen
from ci_operators.pages.source_questions import SourceQuestions

router = APIRouter()
#: Detections of an indicator that are shown at once.
MATCHES = 50
#: Seconds after which nothing further is looked into: a person waits, and a thread of Airflow's.
PATIENCE_S = 10.0


@router.get("/explain")
def show_explanation(q: str, chosen: Chosen) -> dict[str, Any]:
    """Return all that ledgers, artifacts and sources know of what `q` names, of connectors that the user may read."""
    connectors = [each for each in current_file().connectors if each.name in chosen]
    inquiry = Inquiry(
        now=datetime.now(UTC),
        wording=make_wording(connectors),
        open_ledger=open_reader,
        fetch=SourceQuestions().fetch,
        find_staged=find_staged_event,
        limit=MATCHES,
        deadline=Deadline.after(PATIENCE_S),
    )
    return _show(explain(q, connectors, inquiry))


def _show(found: Explanation) -> dict[str, Any]:
    return {
        "query": found.query,
        "kind": found.kind,
        "verdict": asdict(make_verdict(found)),
        "sentences": found.sentences,
        "problems": found.problems,
        "summary": found.summary,
        "matches": [{**asdict(match), "state_words": say_state(match.state)} for match in found.matches],
        "more": found.more,
        "trail": asdict(found.trail) if found.trail else None,
        "steps": [asdict(step) for step in found.steps],
        "sources": [asdict(answer) for answer in found.sources],
        "codes_why": found.codes_why,
    }
