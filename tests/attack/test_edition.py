"""MITRE's bundle becomes a file, and the file becomes an edition."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ci_operators.attack import shipped_edition
from ci_operators.attack.edition import Content, read_bundle, read_content, write_content
from ci_operators.core.errors import ConfigurationError

CONTENT = Content(
    "19.1",
    {"T1110": ("Brute Force", ["TA0006"]), "T1110.001": ("Password Guessing", ["TA0001", "TA0006"])},
    {"credential-access": "TA0006", "initial-access": "TA0001"},
    {"T1064": "", "T1086": "T1110.001", "T1087": "T1110.001", "T1099": "", "T1100": ""},
)


def thing(kind: str, number: int, code: str = "", **members: Any) -> dict[str, Any]:
    """Return a STIX object of ATT&CK."""
    others = [{"source_name": "capec", "external_id": "CAPEC-1"}]
    references = [*others, {"source_name": "mitre-attack", "external_id": code}] if code else others
    return {"type": kind, "id": f"{kind}--{number}", "external_references": references, **members}


def technique(number: int, code: str, *phases: str, **members: Any) -> dict[str, Any]:
    phases_ = [{"kill_chain_name": "mitre-attack", "phase_name": phase} for phase in phases]
    other = {"kill_chain_name": "lockheed", "phase_name": "delivery"}
    return thing("attack-pattern", number, code, kill_chain_phases=[other, *phases_], **members)


def replaced(source: int, target: int) -> dict[str, Any]:
    ends = {"source_ref": f"attack-pattern--{source}", "target_ref": f"attack-pattern--{target}"}
    return thing("relationship", source * 100 + target, relationship_type="revoked-by", **ends)


def bundle() -> list[dict[str, Any]]:
    """Return the objects of a small bundle with every kind of object in the real one."""
    return [
        thing("x-mitre-collection", 1, x_mitre_version="19.1"),
        thing("x-mitre-tactic", 1, "TA0006", x_mitre_shortname="credential-access"),
        thing("x-mitre-tactic", 2, "TA0001", x_mitre_shortname="initial-access"),
        thing("x-mitre-tactic", 3, "TA0999", x_mitre_shortname="gone", x_mitre_deprecated=True),
        technique(1, "T1110.001", "credential-access", "initial-access", name="Password Guessing"),
        technique(2, "T1110", "credential-access", name="Brute Force", x_mitre_domains=["enterprise-attack"]),
        technique(3, "T1086", name="Old Shell", revoked=True),
        technique(4, "T1087", name="Older Shell", revoked=True),
        technique(5, "T1064", name="Scripting", x_mitre_deprecated=True),
        technique(6, "T1099", name="Led round", revoked=True),
        technique(7, "T1100", name="Led nowhere", revoked=True),
        technique(8, "T0800", name="Of a factory", x_mitre_domains=["ics-attack"]),
        technique(9, "T1110", "credential-access", name="An older object of the same id", revoked=True),
        replaced(3, 1),
        replaced(4, 3),
        replaced(6, 6),
        replaced(7, 99),
        thing("relationship", 9, relationship_type="uses", source_ref="x", target_ref="y"),
        thing("malware", 1),
    ]


def write(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "file.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_a_bundle_becomes_an_edition(tmp_path: Path) -> None:
    assert read_bundle(write(tmp_path, {"type": "bundle", "objects": bundle()})) == CONTENT


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_content(CONTENT, tmp_path / "attack.json")
    found = read_content(tmp_path / "attack.json")
    assert (found.version, found.tactics, found.retired) == (CONTENT.version, CONTENT.tactics, CONTENT.retired)
    assert {code: tuple(entry) for code, entry in found.techniques.items()} == CONTENT.techniques


@pytest.mark.parametrize(
    "content",
    ["", "[", "[]", "{}", "[" * 100_000, {"objects": None}, {"objects": [7]}, {"objects": []}, {"objects": [{}]}],
)
def test_another_file_is_not_a_bundle(content: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not MITRE's STIX bundle of ATT&CK for Enterprise"):
        read_bundle(write(tmp_path, content))
    with pytest.raises(ConfigurationError, match=r"No such file or directory"):
        read_bundle(tmp_path / "absent.json")


BROKEN: tuple[Callable[[dict[str, Any]], Any], ...] = (
    lambda _: "",
    lambda _: "[]",
    lambda file: {**file, "more": 1},
    lambda file: {**file, "version": 19},
    lambda file: {**file, "version": "v19"},
    lambda file: {**file, "techniques": {}},
    lambda file: {**file, "techniques": {"T7": ["A name", []]}},
    lambda file: {**file, "techniques": {"T1110": ["Brute Force", ["TA0999"]]}},
    lambda file: {**file, "techniques": {"T1110": [7, []]}},
    lambda file: {**file, "techniques": {"T1110": "Brute Force"}},
    lambda file: {**file, "tactics": {"impact": "T1"}},
    lambda file: {**file, "retired": {"T1086": "T9999"}},
    lambda file: {**file, "retired": ["T1086"]},
)


@pytest.mark.parametrize("spoil", BROKEN)
def test_another_file_is_not_an_edition(spoil: Callable[[dict[str, Any]], Any], tmp_path: Path) -> None:
    write_content(CONTENT, tmp_path / "attack.json")
    path = write(tmp_path, spoil(json.loads((tmp_path / "attack.json").read_text(encoding="utf-8"))))
    with pytest.raises(ConfigurationError, match=r"attack_table .*file.json is not a table of ATT&CK .*attack-table"):
        read_content(path)


def test_the_shipped_edition_can_be_written_and_read(tmp_path: Path) -> None:
    shipped = shipped_edition()
    content = Content(
        shipped.version,
        {code: (each.name, list(each.tactics)) for code, each in shipped.matrix.techniques.items()},
        shipped.table.tactics,
        shipped.table.retired,
    )
    write_content(content, tmp_path / "attack.json")
    assert read_content(tmp_path / "attack.json").retired == shipped.table.retired
