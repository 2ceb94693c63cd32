"""The stages from input to tally, one after the other, over events of every kind."""

from __future__ import annotations

import base64
import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ci_operators.attack import attack_table
from ci_operators.core.errors import AccountingError
from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Step
from ci_operators.stages.contract import contract_for
from ci_operators.stages.run import StageResult, transform
from tests.artifacts import extract_pages, read_all
from tests.sources.okta.specimens import SPECIMENS as OKTA
from tests.sources.sentinelone.specimens import SPECIMENS as SENTINELONE
from tests.sources.specimens import Specimens

ODD = [b"", b"null", b"7", b"[]", b"{}", b"{", b"\xff", b'{"uuid":"\xff"}', b'{"id":' * 5000, b'"text"', b"\x00"]


def texts(specimens: Specimens) -> st.SearchStrategy[bytes]:
    """Return events of every kind: specimens, damaged ones, and values that are not events."""
    good = [specimen.text for specimen in specimens.all]
    damaged = st.tuples(st.sampled_from(good), st.integers(0, 2000)).map(lambda pair: pair[0][: pair[1]])
    lines = st.binary(max_size=20).filter(lambda record: b"\n" not in record)
    return st.sampled_from(good) | damaged | st.sampled_from(ODD) | lines


def records_of(entries: list[bytes]) -> list[bytes]:
    """Return the records that quarantine entries hold, to the byte."""
    found = []
    for entry in entries:
        members = msgspec.json.decode(entry, type=dict[str, msgspec.Raw])
        if "record" in members:
            found.append(bytes(members["record"]))
        else:
            found.append(base64.b64decode(msgspec.json.decode(members["record_base64"])))
    return found


def check_stage(before: list[bytes], result: StageResult) -> None:
    """Compare a stage's counts with its artifacts."""
    tally, after = result.tally, read_all(result.artifact)
    dropped, quarantined = (read_all(result.side_artifacts.get(kind)) for kind in ("dropped", "quarantined"))
    assert tally.records_in == len(before) == len(after) + len(dropped) + len(quarantined)
    assert tally.records_out == len(after)
    assert Counter(json.loads(entry)["reason"] for entry in dropped) == tally.dropped
    assert Counter(json.loads(entry)["issue"] for entry in quarantined) == tally.quarantined
    assert not Counter(records_of(quarantined)) - Counter(before), "a quarantined record is not what came in"


@pytest.mark.parametrize("specimens", [OKTA, SENTINELONE], ids=["okta", "sentinelone"])
@pytest.mark.parametrize("options", [{}, {"dropping": True}], ids=["default", "dropping"])
def test_no_record_goes_missing_in_any_stage(specimens: Specimens, options: Mapping[str, Any]) -> None:
    policies = {"okta": {"private_addresses": "drop"}, "sentinelone": {"trivial_hashes": "drop"}}
    connector = specimens.connector(policies[specimens.source.name] if options else {})

    @settings(max_examples=60)
    @given(st.lists(st.lists(texts(specimens), max_size=8), max_size=4))
    def check(pages: list[list[bytes]]) -> None:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            extracted = extract_pages(pages, directory)
            events = [event for page in pages for event in page]
            assert read_all(extracted.artifact) == events
            assert extracted.tally.records_in == extracted.tally.records_out == len(events)
            assert extracted.extra == {"pages": len(pages)}
            results, tallies = [extracted], [Tally(), Tally(), Tally()]
            steps: list[tuple[str, Step]] = [
                ("filter", specimens.source.criteria(connector)),
                ("map", specimens.source.mapping(connector, tallies[1].note)),
                ("validate", contract_for(attack_table())),
            ]
            for (stage, step), tally in zip(steps, tallies, strict=True):
                before = read_all(results[-1].artifact)
                results.append(transform(stage, results[-1].artifact, step, tally, directory))  # type: ignore[arg-type]
                check_stage(before, results[-1])
            assert results[3].tally.quarantined == {}, "what we map, we accept"

    check()


def test_a_stage_done_twice_leaves_the_same(tmp_path: Path) -> None:
    connector = OKTA.connector()
    extracted = extract_pages([[specimen.text for specimen in OKTA.all]], tmp_path)
    assert extracted.artifact is not None
    first = transform("filter", extracted.artifact, OKTA.source.criteria(connector), Tally(), tmp_path)
    content = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    second = transform("filter", extracted.artifact, OKTA.source.criteria(connector), Tally(), tmp_path)
    assert first == second
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == content


def test_a_stage_that_loses_a_record_fails_and_leaves_nothing(tmp_path: Path) -> None:
    extracted = extract_pages([[b"a"]], tmp_path)
    assert extracted.artifact is not None
    with pytest.raises(AccountingError, match="Stage map took 2 records"):
        transform("map", extracted.artifact, lambda record: record, Tally(records_in=1), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["extract.jsonl.zst"]


def detections(count: int) -> list[bytes]:
    event = OKTA.kept["an address"].text
    step = OKTA.source.mapping(OKTA.connector(), lambda _: None)
    found = [step(event.replace(b"000000000001", b"%012d" % number)) for number in range(count)]
    return [record for record in found if isinstance(record, bytes)]
