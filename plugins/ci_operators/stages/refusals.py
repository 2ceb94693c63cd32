"""Finding the detections that a batch is refused for."""

from __future__ import annotations

from collections.abc import Sequence

from ci_operators.core.errors import RequestRefusedError
from ci_operators.ledger.row import Row
from ci_operators.recorded_future.api import make_probe, submit
from ci_operators.stages.batches import make_submission
from ci_operators.stages.run import Terms
from ci_operators.transport.client import Client


def find_refused(client: Client, rows: Sequence[Row], terms: Terms) -> dict[bytes, str]:
    """Return the keys of the rows that the API refuses, with its message, found by halving in debug mode.

    Nothing when the API takes each of them, or when it refuses a made-up good one just as well: then it is the
    request that is wrong (an organisation, the token's rights), not its detections.
    """
    return judge_refusal(client, rows, terms) or {}


def judge_refusal(client: Client, rows: Sequence[Row], terms: Terms) -> dict[bytes, str] | None:
    """Return what `find_refused` returns, but None when it is the request that is wrong.

    Nothing found then means that the API takes each of them, though not all at once.
    """
    refused = _halve(client, rows, terms)
    if len(refused) == len(rows) and not _is_taken(client, terms):
        return None
    return refused


def _is_taken(client: Client, terms: Terms) -> bool:
    try:
        submit(client, make_probe(terms.organization_ids))
    except RequestRefusedError as err:
        if err.status != 400:
            raise
        return False
    return True


def _halve(client: Client, rows: Sequence[Row], terms: Terms) -> dict[bytes, str]:
    texts = [row.text for row in rows]
    try:
        submit(client, make_submission(texts, debug=True, organization_ids=terms.organization_ids))
    except RequestRefusedError as err:
        if err.status != 400:
            raise
        if len(rows) == 1:
            return {rows[0].key: str(err)}
    else:
        return {}
    middle = len(rows) // 2
    return _halve(client, rows[:middle], terms) | _halve(client, rows[middle:], terms)
