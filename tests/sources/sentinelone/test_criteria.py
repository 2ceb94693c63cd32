"""Which threats are let in; the cases stand in golden/, the contract in ../contract.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci_operators.core.verdict import Dropped
from ci_operators.sources.sentinelone.criteria import (
    DROP_REASONS,
    HASH_KINDS,
    choose_hash,
    criteria_for,
    is_command_line,
)
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from ci_operators.sources.sentinelone.threat import ThreatInfo
from tests.sources.sentinelone.specimens import SHA1, SHA256, SPECIMENS, THREAT_ID

HASHES = {"sha256": SHA256, "sha1": SHA1, "md5": "900150983cd24fb0d6963f7d28e17f72"}
BY_OPTION = {"false_positive", "command_line_hash", "trivial_hash", "not_analyst_verified"}


@pytest.mark.parametrize("reason", sorted(DROP_REASONS))
def test_what_the_pages_do_not_exclude_is_sent_by_default(reason: str) -> None:
    specimen = SPECIMENS.dropped[reason]
    by_default = criteria_for(SentinelOneConnector(name="acme"))(specimen.text)
    assert by_default == (specimen.text if reason in BY_OPTION else Dropped(reason, THREAT_ID))


@given(
    st.fixed_dictionaries({kind: st.booleans() for kind in HASH_KINDS}),
    st.sampled_from([None, "", "string", "0" * 31]),
)
def test_the_first_well_formed_hash_counts(has: dict[str, bool], malformed: str | None) -> None:
    info = ThreatInfo(**{kind: HASHES[kind] if has[kind] else malformed for kind in HASH_KINDS})
    assert choose_hash(info) == next((HASHES[kind] for kind in HASH_KINDS if has[kind]), None)


@pytest.mark.parametrize(
    ("name", "sha1", "expected"),
    [
        ("powershell.exe (CLI a999)", SHA1, True),
        ("powershell.exe (cli A999) ", SHA1, True),
        ("powershell.exe (CLI a999)", SHA1.upper(), True),
        ("powershell.exe (CLI ffff)", SHA1, False),
        ("powershell.exe (CLI a999) copy", SHA1, False),
        ("powershell.exe (CLI a999)", None, False),
        ("invoice.exe", SHA1, False),
        (None, SHA1, False),
    ],
)
def test_a_command_line_is_known_by_its_name_and_hash(name: str | None, sha1: str | None, expected: bool) -> None:
    assert is_command_line(ThreatInfo(threatName=name, sha1=sha1)) is expected
