"""The manifest that a stage passes on."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.errors import ConfigurationError
from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Dropped
from ci_operators.core.window import Window
from ci_operators.staging.manifest import Handover, Manifest, read_handover

SINCE = datetime(2026, 3, 10, 11, 0, tzinfo=UTC)
MILLISECONDS = st.integers(0, 10**12).map(lambda number: SINCE + timedelta(milliseconds=number))


def make(window: Window, tally: Tally, debug: bool = False) -> Manifest:
    return Manifest(
        stage="filter",
        connector="okta-emea",
        debug=debug,
        window=window,
        basis="data interval",
        artifact="file:///staging/filter.jsonl.zst",
        tally=tally,
        side_artifacts={"dropped": "file:///staging/filter.dropped.jsonl.zst"},
        bytes=512,
        digest="ab12",
        duration_s=0.12345,
        extra={"pages": 2},
    )


GOOD = make(Window(SINCE, SINCE), Tally()).to_xcom()


def test_xcom_holds_plain_numbers_and_places() -> None:
    tally = Tally(records_in=3, records_out=2, quarantined=Counter(missing_event_id=0))
    tally.drop(Dropped("missing_actor", "event-1"))
    tally.note("no_outcome_reason")
    xcom = make(Window(SINCE, SINCE + timedelta(minutes=30)), tally).to_xcom()
    assert json.loads(json.dumps(xcom)) == {
        "stage": "filter",
        "connector": "okta-emea",
        "debug": False,
        "window": {"since": "2026-03-10T11:00:00.000Z", "until": "2026-03-10T11:30:00.000Z", "basis": "data interval"},
        "artifact": "file:///staging/filter.jsonl.zst",
        "side_artifacts": {"dropped": "file:///staging/filter.dropped.jsonl.zst"},
        "records_in": 3,
        "records_out": 2,
        "dropped": {"missing_actor": 1},
        "quarantined": {"missing_event_id": 0},
        "notes": {"no_outcome_reason": 1},
        "samples": {"missing_actor": ["event-1"]},
        "bytes": 512,
        "digest": "ab12",
        "duration_s": 0.123,
        "pages": 2,
    }


@given(MILLISECONDS, MILLISECONDS, st.integers(0, 10**9), st.booleans())
def test_a_manifest_is_read_as_it_was_written(since: datetime, until: datetime, records: int, debug: bool) -> None:
    window = Window(since, until)
    xcom = make(window, Tally(records_in=records, records_out=records), debug).to_xcom()
    assert read_handover(json.loads(json.dumps(xcom))) == Handover(
        window=window,
        basis="data interval",
        debug=debug,
        artifact="file:///staging/filter.jsonl.zst",
        records=records,
        digest="ab12",
    )


def test_a_manifest_of_an_older_version_has_no_digest() -> None:
    xcom = make(Window(SINCE, SINCE), Tally()).to_xcom()
    del xcom["digest"]
    assert read_handover(xcom).digest is None


@pytest.mark.parametrize("manifest", [None, "done", 7, [], {}, {"window": None}, {**GOOD, "artifact": None}])
def test_an_invalid_manifest_is_named_with_the_fix(manifest: Any) -> None:
    with pytest.raises(ConfigurationError, match="left no manifest: its task was marked as success by hand, or its"):
        read_handover(manifest)
