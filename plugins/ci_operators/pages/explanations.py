"""Why did this event not arrive? Answers for an event's id or an indicator. Sources are asked with one try and a short
timeout, because a person waits, and so does a thread that serves Airflow's pages too."""

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
#: The most detections of an indicator that are shown.
MATCHES = 50
#: Seconds after which the search ends, because a person and one of Airflow's threads wait.
PATIENCE_S = 10.0
#: Connect and read timeouts in seconds. A request gets at most the time left until its deadline, and SHORTEST_S.
TIMEOUT_S = (3.0, 8.0)
SHORTEST_S = 0.2
#: The most concurrent questions to sources in this process, and the seconds that another one waits for its turn.
AT_ONCE = 3
TURN_S = 1.0
turns = BoundedSemaphore(AT_ONCE)
# A timeout ends silence only. A server that sends a byte now and then keeps a thread of this pool, and its turn.
_askers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="source-question")


@router.get("/explain")
def show_explanation(q: str, chosen: Chosen) -> dict[str, Any]:
    """Return everything that ledgers, artifacts and sources know about `q`, from connectors that the user can read."""
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
    """Too many questions are being asked: another one would keep Airflow's pages waiting."""


@dataclass
class SourceQuestions:
    """Asks the sources for one request of a browser. is_busy: it did not get its turn, and does not wait again."""

    is_busy: bool = False

    def fetch(self, connector: Connector, event_id: str, now: datetime, deadline: Deadline) -> bytes | None:
        """Return the event with an id as the connector's source has it now. Raises CollectiveInsightsErrors."""
        source = load_source(connector.source)
        hook = VendorHook(source.api, connector.source_conn_id)
        connect_s, read_s = (min(each, max(deadline.left_s, SHORTEST_S)) for each in TIMEOUT_S)
        client = hook.get_hasty_client((connect_s, read_s))
        self._take_turn(deadline)
        question = _askers.submit(_ask, client, connector, event_id, now)
        try:
            return question.result(min(deadline.left_s, connect_s + read_s) + SHORTEST_S)
        except TimeoutError:
            raise UnavailableError(f"{source.title} did not answer in time.") from None

    def _take_turn(self, deadline: Deadline) -> None:
        self.is_busy = self.is_busy or not turns.acquire(timeout=min(TURN_S, deadline.left_s))
        if self.is_busy:
            raise BusyError("Other people are asking the sources now. Try again in a moment.")


def _ask(client: Client, connector: Connector, event_id: str, now: datetime) -> bytes | None:
    """Return the event, and release the turn."""
    try:
        return load_source(connector.source).find_event(client, connector, event_id, now)
    except RateLimitedError as err:
        wait = "later" if err.retry_after_s is None else f"in {math.ceil(err.retry_after_s)} s"
        raise RateLimitedError(f"{err} Try again {wait}.", retry_after_s=err.retry_after_s) from None
    finally:
        turns.release()
