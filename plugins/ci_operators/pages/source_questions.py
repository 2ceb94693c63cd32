"""Sources asked for an event while somebody waits: one try and a short time, since the thread that waits serves
Airflow's own pages too."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from threading import BoundedSemaphore

from ci_operators.answers.deadline import Deadline
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError, RateLimitedError, UnavailableError
from ci_operators.hooks.vendor import VendorHook
from ci_operators.sources.registry import load_source
from ci_operators.transport.client import Client

#: Connect and read time-outs in seconds. No request gets more than what is left of its deadline, but for a moment.
TIMEOUT_S = (3.0, 8.0)
SHORTEST_S = 0.2
#: Questions to sources that are under way at once in this process, and how many seconds another one waits for its turn.
AT_ONCE = 3
TURN_S = 1.0
turns = BoundedSemaphore(AT_ONCE)
# Time-outs end silence. What sends a byte now and then is left to a thread of ours, which keeps its turn meanwhile.
_askers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="source-question")


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
