"""Files with an edition of ATT&CK, made from MITRE's STIX bundle: https://github.com/mitre-attack/attack-stix-data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ci_operators.core.errors import ConfigurationError

_VERSION = re.compile(r"\d{1,3}(\.\d{1,3})?", re.ASCII)
_TECHNIQUE = re.compile(r"T\d{4}(\.\d{3})?", re.ASCII)
_TACTIC = re.compile(r"TA\d{4}", re.ASCII)
#: Errors that reading a file or bundle of another shape raises.
_ODD = (OSError, ValueError, LookupError, StopIteration, TypeError, AttributeError, RecursionError)
_DOMAIN = "enterprise-attack"


@dataclass(frozen=True, slots=True)
class Content:
    """The content of an edition. techniques: active ones by id, each with its name and the ids of its tactics;
    tactics: ids by short name; retired: ids of retired techniques, each with its active successor or ""."""

    version: str
    techniques: Mapping[str, tuple[str, list[str]]]
    tactics: dict[str, str]
    retired: dict[str, str]

    def check(self) -> None:
        """Raise ValueError unless all ids, names and the version are valid."""
        codes = [*self.techniques, *self.retired, *filter(None, self.retired.values())]
        used = {tactic for _, tactics in self.techniques.values() for tactic in tactics}
        names = [name for name, _ in self.techniques.values()]
        if not (
            _VERSION.fullmatch(self.version)
            and self.techniques
            and all(map(_TECHNIQUE.fullmatch, codes))
            and all(map(_TACTIC.fullmatch, self.tactics.values()))
            and used <= set(self.tactics.values())
            and set(filter(None, self.retired.values())) <= self.techniques.keys()
            and all(isinstance(name, str) for name in [*names, *self.tactics])
        ):
            raise ValueError("ids, names or version are not those of ATT&CK")


def read_content(path: Path) -> Content:
    """Return the content of a file that `write_content` wrote. Raises ConfigurationError for any other file."""
    try:
        content = Content(**json.loads(path.read_text(encoding="utf-8")))
        content.check()
    except _ODD as err:
        raise ConfigurationError(
            f"attack_table {path} is not a table of ATT&CK ({str(err)[:200]}). Write it with "
            "`python -m ci_operators attack-table`."
        ) from err
    return content


def write_content(content: Content, path: Path) -> None:
    """Write a file that `read_content` reads."""
    path.write_text(json.dumps(asdict(content), indent=1) + "\n", encoding="utf-8")


def read_bundle(path: Path) -> Content:
    """Return the content of a STIX 2.x bundle of ATT&CK for Enterprise. Raises ConfigurationError for other files."""
    try:
        objects = json.loads(path.read_text(encoding="utf-8"))["objects"]
        content = _convert(objects)
        content.check()
    except _ODD as err:
        raise ConfigurationError(
            f"{path} is not MITRE's STIX bundle of ATT&CK for Enterprise ({str(err)[:200]}). Download "
            "enterprise-attack.json from https://github.com/mitre-attack/attack-stix-data."
        ) from err
    return content


def _convert(objects: list[dict[str, Any]]) -> Content:
    version = next(each["x_mitre_version"] for each in objects if each["type"] == "x-mitre-collection")
    tactics = {
        each["x_mitre_shortname"]: _find_id(each)
        for each in objects
        if each["type"] == "x-mitre-tactic" and not _is_retired(each)
    }
    patterns = {each["id"]: each for each in _list_patterns(objects)}
    active = {_find_id(each): each for each in patterns.values() if not _is_retired(each)}
    techniques = {code: (each["name"], _list_tactics(each, tactics)) for code, each in sorted(active.items())}
    following = {
        each["source_ref"]: each["target_ref"]
        for each in objects
        if each["type"] == "relationship" and each.get("relationship_type") == "revoked-by"
    }
    retired = {
        code: _find_successor(stix_id, following, patterns)
        for stix_id, each in patterns.items()
        if _is_retired(each) and (code := _find_id(each)) not in active
    }
    return Content(str(version), techniques, tactics, dict(sorted(retired.items())))


def _list_patterns(objects: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in objects:
        if each["type"] == "attack-pattern" and _DOMAIN in each.get("x_mitre_domains", [_DOMAIN]):
            yield each


def _find_id(entry: Mapping[str, Any]) -> str:
    """Return the ATT&CK id of an object."""
    references = entry["external_references"]
    return str(next(each["external_id"] for each in references if each["source_name"] == "mitre-attack"))


def _is_retired(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("revoked") or entry.get("x_mitre_deprecated"))


def _list_tactics(entry: Mapping[str, Any], tactics: Mapping[str, str]) -> list[str]:
    phases = entry.get("kill_chain_phases", ())
    return sorted({tactics[each["phase_name"]] for each in phases if each["kill_chain_name"] == "mitre-attack"})


def _find_successor(stix_id: str, following: Mapping[str, str], patterns: Mapping[str, Any]) -> str:
    """Return the id of the active technique that replaced a retired one, "" if there is none."""
    seen = set[str]()
    while stix_id in following and stix_id not in seen:
        seen.add(stix_id)
        stix_id = following[stix_id]
    found = patterns.get(stix_id)
    return _find_id(found) if found and not _is_retired(found) else ""
