"""Cutting detections into submissions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from ci_operators.recorded_future.api import Submission


class _Ioc(Struct, frozen=True):
    type: str


class _Detection(Struct, frozen=True):
    ioc: _Ioc


_decode = msgspec.json.Decoder(_Detection).decode


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


def make_submission(batch: Sequence[bytes], *, debug: bool, organization_ids: Sequence[str]) -> Submission:
    """Return the submission of a batch, with the counts per indicator type its answer must agree with."""
    types = Counter(_decode(record).ioc.type for record in batch)
    return Submission(batch, types, debug=debug, organization_ids=organization_ids)
