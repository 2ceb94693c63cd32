"""Asking the API which detections it has: the answer to an unknown outcome, where the token may search."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ci_operators.core.errors import UnavailableError, UnreachableError, UnreadableAnswerError
from ci_operators.core.instant import normalise_instant, read_instant
from ci_operators.ledger.comparison import read_detected
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.row import Row
from ci_operators.ledger.tables import State
from ci_operators.recorded_future.search import Hit, Stored, count_stored, find_hits
from ci_operators.transport.client import Client

log = logging.getLogger(__name__)

_MILLISECOND = timedelta(milliseconds=1)
#: What another connector has in these is stored, or is being stored: its hit is not ours.
_THEIRS = (State.ACCEPTED, State.RESERVED)


def look_up_with(
    client: Client, deliveries: Deliveries | None = None, organization_ids: Sequence[str] = ()
) -> Callable[[Sequence[Row]], set[bytes] | None]:
    """Return a function that gives the keys of those rows which the API has stored; None if it cannot tell.

    deliveries: the connector's ledger, whose other connectors may have stored the same; organization_ids: those
    that the connector submits for. A host that cannot be reached is raised: nothing can be delivered to it either.
    """
    return Search(client, deliveries, organization_ids).look_up


@dataclass(frozen=True, slots=True)
class Search:
    """Looks a connector's detections up."""

    client: Client
    deliveries: Deliveries | None
    organization_ids: Sequence[str]

    def look_up(self, rows: Sequence[Row]) -> set[bytes] | None:
        """Return the keys of those rows that the API has stored, None if it cannot tell. Raises LedgerError."""
        try:
            return self._find(rows)
        except UnreachableError:
            raise
        except (UnavailableError, UnreadableAnswerError) as err:  # of the search alone: the ledger's are LedgerError
            log.warning("The search could not tell what of %d detections is stored: %s", len(rows), err)
            return None

    def _find(self, rows: Sequence[Row]) -> set[bytes] | None:
        times = [row.detected_at for row in rows]  # ISO 8601 in UTC, all of one form: text order is time order
        since, until = min(times), max(times)
        hits = find_hits(self.client, since, until, self.organization_ids)
        if hits is None:
            return None
        met = [row for row in rows if hits[_hit(row)]]
        theirs = self._count_theirs({_what(row) for row in met}, since, until)
        if theirs and self.organization_ids:  # theirs may be stored for other organisations
            everywhere = find_hits(self.client, since, until)
            if everywhere is None:
                return None
        else:
            everywhere = hits
        spare = count_stored(everywhere)
        spare.subtract(theirs)
        return {row.key for row in met if spare[_what(row)] > 0}

    def _count_theirs(self, wanted: set[Stored], since: str, until: str) -> Counter[Stored]:
        """Return how many of the hits the ledger's other connectors to the same destination account for."""
        deliveries, theirs = self.deliveries, Counter[Stored]()
        if deliveries is None or not wanted:
            return theirs
        first, last = read_instant(since)[0], read_instant(until)[0] + _MILLISECOND
        for each in read_detected(deliveries.connection, first, last):
            what = Stored(each.event_id, each.indicator_type, each.indicator)
            is_ours = each.connector == deliveries.connector or each.destination != deliveries.destination
            if what in wanted and not is_ours and each.state in _THEIRS:
                theirs[what] += 1
        return theirs


def _what(row: Row) -> Stored:
    return Stored(row.event_id, row.indicator_type, row.indicator)


def _hit(row: Row) -> Hit:
    return Hit(_what(row), normalise_instant(row.detected_at)[0])
