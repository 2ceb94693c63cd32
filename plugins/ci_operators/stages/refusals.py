"""Finding the detections that a batch is refused for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ci_operators.core.errors import RequestRefusedError
from ci_operators.core.verdict import Dropped, Quarantined, Step
from ci_operators.ledger.row import Row, read_row
from ci_operators.recorded_future.api import make_probe, submit
from ci_operators.stages.batches import cut_batches, make_submission
from ci_operators.stages.run import Terms
from ci_operators.staging.artifact import Artifact, read_artifact
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


@dataclass
class DryRun:
    """What the API says of a connector's detections in debug mode: what it takes by type, what it refuses, and why."""

    client: Client
    connector: str
    terms: Terms
    processed: Counter[str] = field(default_factory=Counter)
    refused: dict[bytes, str] = field(default_factory=dict)
    batches: int = 0

    def check(self, source: Artifact) -> None:
        """Ask about all detections of an artifact.

        Raises what `recorded_future.api.submit` raises, RequestRefusedError when it is the request that is wrong.
        """
        for batch in cut_batches(read_artifact(source), self.terms.batch_size):
            self._check([read_row(self.connector, text) for text in batch])

    def step(self, step: Step) -> Step:
        """Return `step`, but with those detections quarantined that the API refuses."""

        def refuse(record: bytes) -> bytes | Dropped | Quarantined:
            result = step(record)
            if not isinstance(result, bytes):
                return result
            row = read_row(self.connector, result)
            message = self.refused.get(row.key)
            return result if message is None else Quarantined("rejected_by_api", row.event_id, message)

        return refuse

    def _check(self, rows: Sequence[Row]) -> None:
        texts = [row.text for row in rows]
        submission = make_submission(texts, debug=True, organization_ids=self.terms.organization_ids)
        try:
            self.processed += submit(self.client, submission)
            self.batches += 1
        except RequestRefusedError as err:
            self._handle_refusal(rows, err)

    def _handle_refusal(self, rows: Sequence[Row], error: RequestRefusedError) -> None:
        refused = self._judge(rows, error)
        self.refused |= refused
        if refused:
            parts = [[row for row in rows if row.key not in refused]]
        else:
            middle = len(rows) // 2
            parts = [list(rows[:middle]), list(rows[middle:])]
        for part in filter(None, parts):
            self._check(part)

    def _judge(self, rows: Sequence[Row], error: RequestRefusedError) -> Mapping[bytes, str]:
        is_single = len(rows) == 1
        if error.status == 413:
            return {rows[0].key: str(error)} if is_single else {}
        refused = judge_refusal(self.client, rows, self.terms) if error.status == 400 else None
        if refused is None or (is_single and not refused):
            raise error
        return {key: message[:500] for key, message in refused.items()}
