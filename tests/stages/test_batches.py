"""Cutting detections into submissions."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ci_operators.core.detection import INDICATOR_TYPES
from ci_operators.stages.batches import RequestSize, cut_batches, make_submission
from tests.ledger.samples import rows

CHUNKS = st.lists(st.lists(st.binary(max_size=3), max_size=12), max_size=8)


@given(CHUNKS, st.integers(1, 7))
def test_batches_keep_the_order_and_lose_nothing(chunks: list[list[bytes]], size: int) -> None:
    batches = list(cut_batches(chunks, size))
    assert [record for batch in batches for record in batch] == [record for chunk in chunks for record in chunk]
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(1 <= len(batch) <= size for batch in batches)


@given(st.lists(st.sampled_from(INDICATOR_TYPES), min_size=1))
def test_a_submission_counts_its_indicators_by_type(types: list[str]) -> None:
    batch = [replace(row, indicator_type=kind) for row, kind in zip(rows(range(len(types))), types, strict=True)]
    submission = make_submission(batch, debug=True, organization_ids=("uhash:a",))
    assert submission.types == Counter(types)
    assert submission.detections == [row.text for row in batch]
    assert (submission.debug, submission.organization_ids) == (True, ("uhash:a",))


def test_a_learned_limit_is_never_raised() -> None:
    size = RequestSize(100)
    for status, counts in ((413, (8, 20)), (400, (8, 20))):
        for count in counts:
            size.learn(rows(range(count)), status)
    assert (size.most, size.most_bytes) == (4, sum(len(row.text) for row in rows(range(8))) // 2)
