"""ATT&CK codes out of a threat's indicators; the forms stand in golden/."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ci_operators.attack import attack_table
from ci_operators.sources.sentinelone.attack_codes import find_codes, has_tactics
from ci_operators.sources.sentinelone.threat import ThreatWithIndicators, read_threat_with_indicators
from tests.sources.sentinelone.specimens import indicators, technique

KNOWN = sorted(attack_table().techniques)


def read(raw: Any) -> ThreatWithIndicators:
    threat = read_threat_with_indicators(json.dumps({"indicators": raw}).encode())
    assert threat is not None
    return threat


@given(st.lists(st.lists(st.sampled_from(KNOWN), min_size=1, max_size=4), max_size=4))
def test_every_technique_is_found_once_and_in_order(groups: list[list[str]]) -> None:
    notes: list[str] = []
    threat = read([indicators(*map(technique, names))[0] for names in groups])
    assert find_codes(threat, attack_table(), notes.append) == list(dict.fromkeys(chain(*groups)))
    assert has_tactics(threat) is bool(groups)
    assert notes == []


def test_a_tactic_speaks_only_where_its_techniques_do_not() -> None:
    notes: list[str] = []
    threat = read(
        [
            *indicators(technique("T1106"), tactic="Execution"),
            *indicators(technique("T9999"), tactic="Impact"),
            *indicators(tactic="Discovery"),
            *indicators({"name": "T9999"}, tactic="Mischief"),
        ]
    )
    assert find_codes(threat, attack_table(), notes.append) == ["T1106", "TA0040", "TA0007"]
    assert notes == ["unknown_technique", "unknown_technique", "unknown_tactic"]


def test_without_tactics_there_are_no_codes() -> None:
    none: list[Any] = [None, [], [{}], [None], [{"tactics": None}], [{"tactics": [None]}]]
    for raw in none:
        assert find_codes(read(raw), attack_table(), lambda _: None) == []
        assert not has_tactics(read(raw))
