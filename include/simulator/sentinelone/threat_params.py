"""The parameters of `GET /threats`, each with its type and bounds (SentinelOne Management API 2.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from simulator.instants import parse_zoned
from simulator.sentinelone.refusals import invalid, unknown_fields

_WHOLE: Final = re.compile(r"-?\d{1,9}", re.ASCII)
_ID: Final = re.compile(r"\d{1,20}", re.ASCII)
_SHA1: Final = re.compile(r"[0-9a-f]{40}", re.ASCII | re.IGNORECASE)
SORT_COLUMNS: Final = (
    "id", "createdAt", "updatedAt", "createdDate", "mitigationStatus", "classification",
    "contentHash", "siteId",
)  # fmt: skip
_ENGINES: Final = (
    "reputation", "sentinelone_cloud", "cloud_detection", "user_blacklist", "pre_execution",
    "pre_execution_suspicious", "executables", "data_files", "exploits", "penetration", "pup",
    "lateral_movement", "remote_shell", "manual", "application_control", "threat_intelligence",
    "watchtower_cloud_detection", "driver_blocking",
)  # fmt: skip
_ENUMS: Final[dict[str, tuple[str, ...] | None]] = {
    "analystVerdicts": ("undefined", "true_positive", "false_positive", "suspicious"),
    "incidentStatuses": ("unresolved", "in_progress", "resolved"),
    "confidenceLevels": ("malicious", "suspicious", "n/a"),
    "mitigationStatuses": ("not_mitigated", "mitigated", "marked_as_benign"),
    "detectionEngines": _ENGINES,
    "engines": _ENGINES,
    "initiatedBy": (
        "agent_policy", "full_disk_scan", "sentinelctl", "dv_command", "console_api", "on_demand_scan",
        "star_active", "star_manual", "cloud_detection", "threat_intelligence", "watchtower_cloud_detection",
    ),
    "classifications": None,
    "classificationSources": ("Cloud", "Behavioral", "Static", "Engine"),
}  # fmt: skip
_COMPARISONS: Final = ("gt", "gte", "lt", "lte")


def read_params(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Returns the parameters converted to their types; refuses unknown, repeated and invalid ones."""
    given: dict[str, str] = {}
    for name, text in pairs:
        if name in given:
            raise invalid(f"{name}: Repeated; lists are one value with commas")
        given[name] = text
    unknown = [name for name in given if name not in _READERS]
    if unknown:
        raise unknown_fields(unknown)
    return {name: _READERS[name](name, text) for name, text in given.items()}


def _whole(low: int, high: int) -> Callable[[str, str], int]:
    def read(name: str, text: str) -> int:
        if not _WHOLE.fullmatch(text):
            raise invalid(f"{name}: Not a valid integer.")
        if not low <= int(text) <= high:
            raise invalid(f"{name}: Must be between {low} and {high}.")
        return int(text)

    return read


def _boolean(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise invalid(f"{name}: Not a valid boolean.")
    return text.lower() == "true"


def _instant(name: str, text: str) -> int:
    moment = parse_zoned(text, max_fraction_digits=6)
    if moment is None:
        raise invalid(f"{name}: Not a valid datetime.")
    return moment


def _choice(choices: tuple[str, ...]) -> Callable[[str, str], str]:
    def read(name: str, text: str) -> str:
        if text not in choices:
            raise invalid(f"{name}: Must be one of: {', '.join(choices)}.")
        return text

    return read


def _members(choices: tuple[str, ...] | None) -> Callable[[str, str], frozenset[str]]:
    def read(name: str, text: str) -> frozenset[str]:
        values = text.split(",")
        bad = [value for value in values if not value or (choices is not None and value not in choices)]
        if bad:
            raise invalid(f"{name}: {bad[0]!r} is not a valid choice.")
        return frozenset(values)

    return read


def _patterned(pattern: re.Pattern[str], most: int) -> Callable[[str, str], frozenset[str]]:
    def read(name: str, text: str) -> frozenset[str]:
        values = text.split(",")
        if len(values) > most:
            raise invalid(f"{name}: Longer than maximum length {most}.")
        if not all(pattern.fullmatch(value) for value in values):
            raise invalid(f"{name}: Invalid value.")
        return frozenset(values)

    return read


def _text(name: str, text: str) -> str:
    return text


def _readers() -> dict[str, Callable[[str, str], Any]]:
    readers: dict[str, Callable[[str, str], Any]] = {
        "limit": _whole(1, 1000), "skip": _whole(0, 1000), "cursor": _text,
        "countOnly": _boolean, "skipCount": _boolean, "tenant": _boolean, "resolved": _boolean,
        "sortBy": _choice(SORT_COLUMNS), "sortOrder": _choice(("asc", "desc")),
        "ids": _patterned(_ID, 5000), "contentHashes": _patterned(_SHA1, 500),
        **{name: _patterned(_ID, 500) for name in ("accountIds", "siteIds", "groupIds")},
    }  # fmt: skip
    for name, choices in _ENUMS.items():
        readers[name] = readers[f"{name}Nin"] = _members(choices)
    for column in ("createdAt", "updatedAt"):
        readers.update({f"{column}__{comparison}": _instant for comparison in _COMPARISONS})
    return readers


_READERS: Final = _readers()
