"""Find the detections that cause the refusal of a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ci_operators.core.errors import RequestRefusedError
from ci_operators.core.verdict import Dropped, Quarantined, Step
from ci_operators.ledger.row import Row, read_row
from ci_operators.recorded_future.api import make_probe, submit
from ci_operators.stages.batches import RequestSize, cut_batches, make_submission
from ci_operators.stages.run import Terms
from ci_operators.staging.artifact import Artifact, read_artifact
from ci_operators.transport.client import Client


def find_refused(client: Client, rows: Sequence[Row], terms: Terms, error: RequestRefusedError) -> dict[bytes, str]:
    """Return the keys of the rows that caused the refusal of a request, with the API's messages.

    Return none if the API accepts each row, but not all at once. `error` is the refusal. It is raised if a valid
    sample detection is refused too: then the request is wrong (an organization, the token's rights). The rows are
    found by halving in debug mode.
    """
    is_single = len(rows) == 1
    if error.status == 413:
        return {rows[0].key: _shorten(error)} if is_single else {}
    if error.status != 400 or not _is_taken(client, terms):
        raise error
    refused = _halve(client, rows, terms)
    if is_single and not refused:
        raise error
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
    try:
        submit(client, make_submission(rows, debug=True, organization_ids=terms.organization_ids))
    except RequestRefusedError as err:
        if err.status != 400:
            raise
        if len(rows) == 1:
            return {rows[0].key: _shorten(err)}
    else:
        return {}
    middle = len(rows) // 2
    return _halve(client, rows[:middle], terms) | _halve(client, rows[middle:], terms)


def _shorten(error: RequestRefusedError) -> str:
    return str(error)[:500]


@dataclass
class DryRun:
    """The API's check of a connector's detections in debug mode: those accepted by type, those refused, and why.

    A detection that occurs twice is checked once, as it is sent once. The keys take about 100 bytes per detection.
    """

    client: Client
    connector: str
    terms: Terms
    processed: Counter[str] = field(default_factory=Counter)
    refused: dict[bytes, str] = field(default_factory=dict)
    batches: int = 0
    duplicates: int = 0

    def __post_init__(self) -> None:
        self._size = RequestSize(self.terms.batch_size)

    def check(self, source: Artifact) -> None:
        """Check all detections of an artifact.

        Raises the errors of `recorded_future.api.submit`, and RequestRefusedError if the request itself is wrong.
        """
        met = set[bytes]()
        for batch in cut_batches(read_artifact(source), self.terms.batch_size):
            rows = {row.key: row for row in (read_row(self.connector, text) for text in batch) if row.key not in met}
            met.update(rows)
            self.duplicates += len(batch) - len(rows)
            self._check_all(list(rows.values()))

    def step(self, step: Step) -> Step:
        """Return `step`, extended to quarantine detections that the API refuses and to drop duplicates."""
        met = set[bytes]()

        def refuse(record: bytes) -> bytes | list[bytes] | Dropped | Quarantined:
            result = step(record)
            if not isinstance(result, bytes):
                return result
            row = read_row(self.connector, result)
            if row.key in met:
                return Dropped("duplicate", row.event_id)
            met.add(row.key)
            message = self.refused.get(row.key)
            return result if message is None else Quarantined("rejected_by_api", row.event_id, message)

        return refuse

    def _check_all(self, rows: Sequence[Row]) -> None:
        for part in self._size.cut(rows):
            self._check(part)

    def _check(self, rows: Sequence[Row]) -> None:
        submission = make_submission(rows, debug=True, organization_ids=self.terms.organization_ids)
        try:
            self.processed += submit(self.client, submission)
            self.batches += 1
        except RequestRefusedError as err:
            refused = find_refused(self.client, rows, self.terms, err)
            self.refused |= refused
            if not refused:
                self._size.learn(rows, err.status)
            self._check_all([row for row in rows if row.key not in refused])
