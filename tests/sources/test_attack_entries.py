"""ATT&CK codes of techniques that come with their tactics."""

from __future__ import annotations

import pytest

from ci_operators.sources.attack_entries import Entry, find_codes


@pytest.mark.parametrize(
    ("entries", "codes", "notes"),
    [
        ([("T1204", "TA0002"), ("t1003.001", "TA0006"), ("T1204", "")], ["T1204", "T1003.001"], []),
        ([("", "TA0008"), (None, "TA0040")], ["TA0008", "TA0040"], []),
        ([("T9999", "TA0002")], ["TA0002"], ["unknown_technique"]),
        ([("T7", "TA9999")], [], ["unknown_technique", "no_technique"]),
        ([("CST0002", "CSTA0006"), (" cst0007", "TA0002"), (None, "CSTA0001")], [], ["own_technique"] * 3),
        ([("T1204", "CSTA0006")], ["T1204"], []),
        ([(None, None)], [], ["no_technique"]),
        ([], [], ["no_technique"]),
    ],
)
def test_a_tactic_counts_if_its_technique_does_not(
    entries: list[tuple[str | None, str | None]], codes: list[str], notes: list[str]
) -> None:
    noted: list[str] = []
    read = [Entry([(technique, None)] if technique else [], tactic) for technique, tactic in entries]
    words = {"none": "no_technique", "no_code": "no_technique", "own_prefix": "CST"}
    assert (find_codes(read, noted.append, **words), noted) == (codes, notes)
