"""Counting records."""

from __future__ import annotations

import pytest

from ci_operators.core.errors import AccountingError
from ci_operators.core.tally import SAMPLES_PER_REASON, Tally
from ci_operators.core.verdict import Dropped, Quarantined


def test_verdicts_are_counted_by_reason_with_a_few_samples() -> None:
    tally = Tally(records_in=12, records_out=1)
    for number in range(10):
        tally.drop(Dropped("wrong_event_type", f"event-{number}"))
    tally.quarantine(Quarantined("missing_event_id", None))
    tally.note("no_tactics")
    tally.check_conservation("filter")
    assert tally.dropped == {"wrong_event_type": 10}
    assert tally.quarantined == {"missing_event_id": 1}
    assert tally.notes == {"no_tactics": 1}
    assert tally.samples == {
        "wrong_event_type": [f"event-{number}" for number in range(SAMPLES_PER_REASON)],
        "missing_event_id": [],
    }


def test_long_ids_are_cut_in_samples() -> None:
    tally = Tally()
    tally.drop(Dropped("wrong_event_type", "x" * 1_000_000))
    assert tally.samples == {"wrong_event_type": ["x" * 80]}


def test_an_id_cannot_add_lines_to_a_log() -> None:
    tally = Tally()
    tally.drop(Dropped("wrong_event_type", "a\nb\x1b[2J\0\u2028"))
    assert tally.samples == {"wrong_event_type": ["a b\ufffd[2J "]}


@pytest.mark.parametrize(("records_in", "records_out"), [(1, 0), (0, 1), (3, 1)])
def test_a_record_unaccounted_for_is_an_error_with_the_counts(records_in: int, records_out: int) -> None:
    with pytest.raises(AccountingError, match=f"Stage map took {records_in} records .*{records_out} passed on"):
        Tally(records_in=records_in, records_out=records_out).check_conservation("map")
