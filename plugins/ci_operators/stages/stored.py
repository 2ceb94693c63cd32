"""Ask the API which detections it has, to decide unknown outcomes. The token needs the right to search."""

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
#: A detection of another connector in these states is stored or being stored: the hit may be that one.
_THEIRS = (State.ACCEPTED, State.RESERVED)


def look_up_with(
    client: Client, deliveries: Deliveries | None = None, organization_ids: Sequence[str] = ()
) -> Callable[[Sequence[Row]], set[bytes] | None]:
    """Return a function that returns the keys of the rows that the API has stored, or None if it cannot decide.

    deliveries: the connector's ledger, whose other connectors may have stored the same; organization_ids: those
    that the connector submits for. An unreachable host raises, since nothing can be delivered to it either.
    """
    return Search(client, deliveries, organization_ids).look_up


@dataclass(frozen=True, slots=True)
class Search:
    """Looks up a connector's detections."""

    client: Client
    deliveries: Deliveries | None
    organization_ids: Sequence[str]

    def look_up(self, rows: Sequence[Row]) -> set[bytes] | None:
        """Return the keys of the rows that the API has stored, or None if it cannot decide. Raises LedgerError."""
        try:
            return self._find(rows)
        except UnreachableError:
            raise
        except (UnavailableError, UnreadableAnswerError) as err:  # errors of the search; the ledger's are LedgerError
            log.warning("The search could not find out which of %d detections are stored: %s", len(rows), err)
            return None

    def _find(self, rows: Sequence[Row]) -> set[bytes] | None:
        times = [row.detected_at for row in rows]  # ISO 8601 in UTC, all in one format: text order is time order
        since, until = min(times), max(times)
        hits = find_hits(self.client, since, until, self.organization_ids)
        if hits is None:
            return None
        met = [row for row in rows if hits[_hit(row)]]
        theirs = self._count_theirs({_what(row) for row in met}, since, until)
        if theirs and self.organization_ids:  # theirs may be stored for other organizations
            everywhere = find_hits(self.client, since, until)
            if everywhere is None:
                return None
        else:
            everywhere = hits
        spare = count_stored(everywhere)
        spare.subtract(theirs)
        return {row.key for row in met if spare[_what(row)] > 0}

    def _count_theirs(self, wanted: set[Stored], since: str, until: str) -> Counter[Stored]:
        """Return how many of the hits may belong to the ledger's other connectors of the same destination."""
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
