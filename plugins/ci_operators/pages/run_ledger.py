"""The ledger of one run, as far as it answers: what the artifacts hold is shown without it too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.ledger.trail import DeliveredDetection, Trail, find_states, find_trail
from ci_operators.pages.ledgers import open_reader

Found = TypeVar("Found")


@dataclass
class RunLedger:
    """Asks the ledger of a live run's connector. `problem`: why it did not answer, else empty."""

    connector: Connector
    problem: str = ""

    def find_states(self, keys: Sequence[bytes]) -> dict[bytes, DeliveredDetection]:
        """Return what the ledger knows of detections; nothing while it does not answer."""
        return self._ask(lambda connection: find_states(connection, keys), {})

    def find_trail(self, event_id: str) -> Trail:
        """Return what the ledger knows of an event; nothing while it does not answer."""
        nothing = Trail((), (), (), ())
        return self._ask(lambda connection: find_trail(connection, [self.connector.name], event_id), nothing)

    def _ask(self, question: Callable[[Connection], Found], otherwise: Found) -> Found:
        """Return the answer, by a connection that is held for this one question: a few serve all readers."""
        if self.problem:
            return otherwise  # asked once for each request: whoever waits for it waits no second time
        try:
            with open_reader(self.connector.ledger_conn_id) as connection:
                return question(connection)
        except CollectiveInsightsError as err:
            self.problem = f"States of delivery are not shown: {err}"
            return otherwise
