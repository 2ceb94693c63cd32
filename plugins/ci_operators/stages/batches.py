"""Divide detections into submissions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ci_operators.ledger.row import Row
from ci_operators.recorded_future.api import Submission
from ci_operators.stages.account import Rules


def cut_batches(chunks: Iterable[list[bytes]], size: int) -> Iterator[list[bytes]]:
    """Yield the records in lists of `size`, the last one shorter."""
    batch: list[bytes] = []
    for chunk in chunks:
        batch.extend(chunk)
        while len(batch) >= size:
            yield batch[:size]
            del batch[:size]
    if batch:
        yield batch


def make_submission(rows: Sequence[Row], *, debug: bool, organization_ids: Sequence[str]) -> Submission:
    """Return the submission of detections, with the counts per indicator type that its answer must have."""
    types = Counter(row.indicator_type for row in rows)
    return Submission([row.text for row in rows], types, debug=debug, organization_ids=organization_ids)


def make_live_submission(rows: Sequence[Row], rules: Rules) -> Submission:
    """Return the submission that stores detections, each with its key as `transient_id` if the rules say so."""
    submission = make_submission(rows, debug=False, organization_ids=rules.terms.organization_ids)
    if not rules.send_transient_id:
        return submission
    names = {row.key.hex(): row.indicator_type for row in rows}
    named = [b'{"transient_id":"%s",%s' % (row.key.hex().encode(), row.text[1:]) for row in rows]
    return replace(submission, detections=named, names=names)


@dataclass
class RequestSize:
    """The maximum of detections and of bytes in a request. Refusals lower it for all later requests."""

    most: int
    most_bytes: int | None = None

    def learn(self, rows: Sequence[Row], status: int | None) -> None:
        """Halve the maximum of bytes after a 413, and of detections otherwise, from the size that was refused."""
        if status == 413:
            refused = sum(len(row.text) for row in rows)
            self.most_bytes = min(refused // 2, self.most_bytes or refused)
        else:
            self.most = min(-(-len(rows) // 2), self.most)

    def cut(self, rows: Sequence[Row]) -> list[Sequence[Row]]:
        """Return the rows in parts, one per request. A row that is too large becomes a part by itself."""
        if self.most_bytes is None:
            return [rows[start : start + self.most] for start in range(0, len(rows), self.most)]
        parts: list[list[Row]] = []
        left = 0
        for row in rows:
            size = len(row.text)
            if not parts or len(parts[-1]) == self.most or size > left:
                parts.append([])
                left = self.most_bytes
            parts[-1].append(row)
            left -= size
        return list(parts)
