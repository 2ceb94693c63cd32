"""SentinelOne passes the contract suite and its golden cases."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.attack import attack_table
from ci_operators.sources.attack_entries import find_codes
from ci_operators.sources.sentinelone.event import ThreatInfo, read_whole_event
from tests.sources.contract import SourceContract
from tests.sources.golden import GoldenCases
from tests.sources.sentinelone.specimens import ALERTS, SHA1, SHA256, SPECIMENS, indicators, technique

HASHES = {"sha256": SHA256, "sha1": SHA1, "md5": "900150983cd24fb0d6963f7d28e17f72"}
HASH_KINDS = tuple(HASHES)
KNOWN = sorted(attack_table().techniques)


class TestSentinelOne(SourceContract, GoldenCases):
    specimens = SPECIMENS
    behind_the_filter = {"indicator_not_a_hash"}  # noqa: RUF012 - declared in the base


class TestUnifiedAlerts(SourceContract):
    specimens = ALERTS


@given(
    st.fixed_dictionaries({kind: st.booleans() for kind in HASH_KINDS}),
    st.sampled_from([None, "", "string", "0" * 31]),
)
def test_the_first_well_formed_hash_counts(has: dict[str, bool], malformed: str | None) -> None:
    info = ThreatInfo(**{kind: HASHES[kind] if has[kind] else malformed for kind in HASH_KINDS})
    assert info.find_hash() == next((HASHES[kind] for kind in HASH_KINDS if has[kind]), None)


@pytest.mark.parametrize(
    ("name", "sha1", "expected"),
    [
        ("powershell.exe (CLI a999)", SHA1, True),
        ("powershell.exe (cli A999) ", SHA1.upper(), True),
        ("powershell.exe (CLI ffff)", SHA1, False),
        ("powershell.exe (CLI a999) copy", SHA1, False),
        ("powershell.exe (CLI a999)", None, False),
        ("invoice.exe", SHA1, False),
        (None, SHA1, False),
    ],
)
def test_a_command_line_is_known_by_its_name_and_hash(name: str | None, sha1: str | None, expected: bool) -> None:
    assert ThreatInfo(threatName=name, sha1=sha1).is_command_line is expected


def codes_of(raw: Any) -> tuple[list[str], list[str]]:
    """Return the ATT&CK codes of a threat's indicators, and the notes."""
    notes: list[str] = []
    threat = read_whole_event(json.dumps({"indicators": raw}).encode())
    assert threat is not None
    return find_codes(threat.tactics, notes.append, none="no_tactics", no_code="unknown_tactic"), notes


@given(st.lists(st.lists(st.sampled_from(KNOWN), min_size=1, max_size=4), min_size=1, max_size=4))
def test_every_technique_is_found_once_and_in_order(groups: list[list[str]]) -> None:
    raw = [indicators(*map(technique, names))[0] for names in groups]
    assert codes_of(raw) == (list(dict.fromkeys(chain(*groups))), [])


def test_a_tactic_gives_a_code_only_if_its_techniques_give_none() -> None:
    raw = [
        *indicators(technique("T1106"), tactic="Execution"),
        *indicators(technique("T9999"), tactic="Impact"),
        *indicators(tactic="Discovery"),
        *indicators({"name": "T9999"}, tactic="Mischief"),
    ]
    unknown = ["unknown_technique", "unknown_technique", "unknown_tactic"]
    assert codes_of(raw) == (["T1106", "TA0040", "TA0007"], unknown)


def test_without_tactics_there_are_no_codes() -> None:
    none: list[Any] = [None, [], [{}], [None], [{"tactics": None}], [{"tactics": [None]}]]
    for raw in none:
        assert codes_of(raw) == ([], ["no_tactics"])
