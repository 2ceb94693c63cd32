"""Manifests of this version, of other versions, and of other programs: the readable parts are used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ci_operators.answers.run.manifests import read_manifest, read_manifests
from tests.answers.staged_run import StagedRun, mixed_events

LEAST: dict[str, Any] = {"records_in": 3, "records_out": 1, "dropped": {"a": 2}, "quarantined": {}}


def test_a_manifest_of_this_version_is_read_whole(tmp_path: Path) -> None:
    run = StagedRun(tmp_path).run(mixed_events())
    found = read_manifests(run.manifests)
    assert list(found) == ["extract", "filter", "map", "validate"]
    tally = found["filter"].tally
    assert (tally.records_in, tally.records_out) == (40, 28)
    assert tally.dropped == {"wrong_event_type": 4, "missing_actor": 4, "null_display_name": 4}
    assert tally.samples["missing_actor"] == ["event-00001", "event-00011", "event-00021"]
    assert (found["filter"].has_side("dropped"), found["filter"].has_side("quarantined")) == (True, False)
    assert found["filter"].window is not None
    assert found["filter"].window.tell() == {
        "since": "2026-03-10T12:00:00.000Z",
        "until": "2026-03-10T13:00:00.000Z",
        "basis": "data interval",
    }
    assert found["extract"].extra == {"pages": 1, "waited_s": 0.5, "overlap_s": 600}
    assert found["map"].tally.notes == {"no_outcome_reason": 4}


def test_members_missing_in_an_older_version_are_empty() -> None:
    found = read_manifest(LEAST)
    assert found is not None
    assert (found.tally.notes, found.tally.samples, found.window, found.bytes, found.duration_s) == (
        {},
        {},
        None,
        None,
        None,
    )
    assert (found.has_side("dropped"), found.has_side("quarantined"), found.artifact) == (True, False, None)


def test_other_values_are_not_manifests() -> None:
    wrong: list[Any] = [None, 7, "x", [], {}, {**LEAST, "records_in": "3"}, {**LEAST, "records_in": True}]
    wrong += [{**LEAST, "records_in": -3}, {**LEAST, "dropped": [1]}, {**LEAST, "dropped": {"a": "2"}}]
    wrong += [{**LEAST, "records_out": 2}, {**LEAST, "quarantined": {"b": 1}}, {**LEAST, "added": 1}]
    wrong += [{**LEAST, "notes": 1}, {**LEAST, "samples": {"a": 5}}, {**LEAST, "window": {"since": "x", "until": "y"}}]
    assert [read_manifest(each) for each in wrong] == [None] * len(wrong)


def test_extras_are_numbers_and_short_texts() -> None:
    extra = {
        "pages": 3,
        "waited_s": 0.5,
        "processed": {"ip": 2, "url": 0},
        "odd": [1],
        "note": "y" * 999,
        "nan": float("nan"),
    }
    found = read_manifest({**LEAST, **extra})
    assert found is not None
    assert found.show_extra() == {"pages": 3, "waited_s": 0.5, "processed": "ip 2", "note": "y" * 200}
    assert (found.count("pages"), found.count("waited_s"), found.count("gone")) == (3, None, None)
    assert (found.number("waited_s"), found.number("nan")) == (0.5, None)
    many = read_manifest({**LEAST, **{str(number): number for number in range(1000)}})
    assert many is not None
    assert len(many.show_extra()) == 30


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 50) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*LEAST, "notes", "samples", "side_artifacts", "window", "bytes", "x"]), _JSON))
def test_any_manifest_is_read_or_left_out(members: dict[str, Any]) -> None:
    for manifest in (members, {**LEAST, **members}):
        found = read_manifest(manifest)
        if found is not None:
            found.tally.check_conservation("map")
            found.show_extra()
