"""Asking the API which detections it has: the answer to an unknown outcome, where the token may search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from ci_operators.ledger.row import Row
from ci_operators.recorded_future.search import Stored, find_stored
from ci_operators.transport.client import Client


def look_up_with(client: Client) -> Callable[[Sequence[Row]], set[bytes]]:
    """Return a function that gives the keys of those rows which the API has stored; none if it may not search."""

    def look_up(rows: Sequence[Row]) -> set[bytes]:
        times = [row.detected_at for row in rows]  # ISO 8601 in UTC, all of one form: text order is time order
        stored = find_stored(client, min(times), max(times)) or Counter[Stored]()
        return {row.key for row in rows if stored[Stored(row.event_id, row.indicator_type, row.indicator)]}

    return look_up
