"""Why did this event not arrive? Answered for an event's id or an indicator. Sources are asked while somebody waits:
one try and a short time, since the thread that waits serves Airflow's own pages too."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from threading import BoundedSemaphore
from typing import Any

from fastapi import APIRouter

from ci_operators.answers.event.explanation import Explanation, Inquiry, explain, make_verdict
from ci_operators.answers.event.finder import EventFinder
from ci_operators.answers.event.search import tell_match
from ci_operators.answers.question import Deadline
from ci_operators.answers.wording import make_wording, say_state
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError, RateLimitedError, UnavailableError
from ci_operators.hooks.vendor import VendorHook
from ci_operators.pages.asked_run import find_staged_event
from ci_operators.pages.configuration import current_file, open_reader
from ci_operators.pages.request import Chosen
from ci_operators.sources import name_ids
from ci_operators.sources.registry import load_source
from ci_operators.transport.client import Client

router = APIRouter()
#: Detections of an indicator that are shown at once.
MATCHES = 50
#: Seconds after which nothing further is looked into: a person waits, and a thread of Airflow's.
PATIENCE_S = 10.0
#: Connect and read time-outs in seconds. No request gets more than what is left of its deadline, but for a moment.
TIMEOUT_S = (3.0, 8.0)
SHORTEST_S = 0.2
#: Questions to sources that are under way at once in this process, and how many seconds another one waits for its turn.
AT_ONCE = 3
TURN_S = 1.0
turns = BoundedSemaphore(AT_ONCE)
# Time-outs end silence. What sends a byte now and then is left to a thread of ours, which keeps its turn meanwhile.
_askers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="source-question")


@router.get("/explain")
def show_explanation(q: str, chosen: Chosen) -> dict[str, Any]:
    """Return all that ledgers, artifacts and sources know of what `q` names, of connectors that the user may read."""
    connectors = [each for each in current_file().connectors if each.name in chosen]
    finder = EventFinder(
        datetime.now(UTC), SourceQuestions().fetch, find_staged_event, deadline=Deadline.after(PATIENCE_S)
    )
    inquiry = Inquiry(finder, make_wording(connectors), open_reader, limit=MATCHES)
    return _show(explain(q, connectors, inquiry))


@router.get("/explain/ids")
def show_ids() -> dict[str, str]:
    """Return what the id of an event is called at each source."""
    return {"ids": name_ids()}


def _show(found: Explanation) -> dict[str, Any]:
    return {
        "query": found.query,
        "kind": found.kind,
        "verdict": asdict(make_verdict(found)),
        "sentences": found.sentences,
        "problems": found.problems,
        "summary": found.summary,
        "matches": [{**tell_match(match), "state_words": say_state(match.state)} for match in found.matches],
        "more": found.more,
        "trail": asdict(found.trail) if found.trail else None,
        "steps": [asdict(step) for step in found.steps],
        "sources": [asdict(answer) for answer in found.sources],
        "codes_why": found.codes_why,
    }


class BusyError(CollectiveInsightsError):
    """So many questions are under way that another one would keep Airflow's pages waiting."""


@dataclass
class SourceQuestions:
    """What one request of a browser asks the sources. is_busy: it has waited for its turn in vain, and does so once."""

    is_busy: bool = False

    def fetch(self, connector: Connector, event_id: str, now: datetime, deadline: Deadline) -> bytes | None:
        """Return the event of an id as the connector's source has it now; raises an error of the tree."""
        source = load_source(connector.source)
        hook = VendorHook(source.api, connector.source_conn_id)
        connect_s, read_s = (min(each, max(deadline.left_s, SHORTEST_S)) for each in TIMEOUT_S)
        client = hook.get_hasty_client((connect_s, read_s))
        self._take_turn(deadline)
        question = _askers.submit(_ask, client, connector, event_id, now)
        try:
            return question.result(min(deadline.left_s, connect_s + read_s) + SHORTEST_S)
        except TimeoutError:
            raise UnavailableError(f"{source.title} did not end its answer in time.") from None

    def _take_turn(self, deadline: Deadline) -> None:
        self.is_busy = self.is_busy or not turns.acquire(timeout=min(TURN_S, deadline.left_s))
        if self.is_busy:
            raise BusyError("Others are asking the sources just now: try again in a moment.")


def _ask(client: Client, connector: Connector, event_id: str, now: datetime) -> bytes | None:
    """Return the event, and give the turn back."""
    try:
        return load_source(connector.source).find_event(client, connector, event_id, now)
    except RateLimitedError as err:
        wait = "later" if err.retry_after_s is None else f"in {math.ceil(err.retry_after_s)} s"
        raise RateLimitedError(f"{err} Try again {wait}.", retry_after_s=err.retry_after_s) from None
    finally:
        turns.release()
