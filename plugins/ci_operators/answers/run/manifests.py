"""Manifests as they are found: of today's code, of an older version's, damaged, or missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ci_operators.core.instant import format_instant, read_instant
from ci_operators.core.tally import STAGES

#: What every manifest has; what else stands in one counts something of its stage alone.
_COMMON = frozenset({
    "stage", "connector", "debug", "window", "artifact", "side_artifacts", "records_in", "records_out", "dropped",
    "quarantined", "notes", "samples", "bytes", "digest", "duration_s",
})  # fmt: skip
_LONGEST = 200
_MOST_EXTRAS = 30


@dataclass(frozen=True, slots=True)
class StageCounts:
    """What one stage's manifest says; counts that are not in it are None or empty.

    side_artifacts: the kinds ("dropped", "quarantined") that the stage wrote; window: since, until and basis.
    """

    records_in: int
    records_out: int
    dropped: Mapping[str, int]
    quarantined: Mapping[str, int]
    notes: Mapping[str, int]
    samples: Mapping[str, list[str]]
    side_artifacts: frozenset[str]
    has_artifact: bool
    debug: bool
    window: Mapping[str, str] | None
    bytes: int | None
    duration_s: float | None
    extra: Mapping[str, Any] = field(default_factory=dict)


def read_manifest(manifest: object) -> StageCounts | None:
    """Return what a manifest says; None if it is none, or if its counts do not add up."""
    if not isinstance(manifest, Mapping):
        return None
    counts = _read_counts(manifest)
    if counts is None:
        return None
    _, _, dropped, quarantined = counts
    return StageCounts(
        *counts,
        notes=_counts(manifest.get("notes")) or {},
        samples=_samples(manifest.get("samples")),
        side_artifacts=_kinds(manifest.get("side_artifacts"), {"dropped": dropped, "quarantined": quarantined}),
        has_artifact=isinstance(manifest.get("artifact"), str),
        debug=manifest.get("debug") is True,
        window=_window(manifest.get("window")),
        bytes=_count(manifest.get("bytes")),
        duration_s=_number(manifest.get("duration_s")),
        extra={name: value for name, value in manifest.items() if isinstance(name, str) and name not in _COMMON},
    )


def _read_counts(manifest: Mapping[Any, Any]) -> tuple[int, int, dict[str, int], dict[str, int]] | None:
    """Return records in and out, dropped and quarantined by code; None where one is missing, or they do not add up."""
    records_in, records_out = _count(manifest.get("records_in")), _count(manifest.get("records_out"))
    dropped, quarantined = _counts(manifest.get("dropped")), _counts(manifest.get("quarantined"))
    if records_in is None or records_out is None or dropped is None or quarantined is None:
        return None
    added = _count(manifest.get("added")) or 0
    if records_in + added != records_out + sum(dropped.values()) + sum(quarantined.values()):
        return None
    return records_in, records_out, dropped, quarantined


def read_manifests(manifests: Mapping[str, object]) -> dict[str, StageCounts]:
    """Return what the manifests say, by stage in the order of the stages; what is none of ours is left out."""
    found = {stage: read_manifest(manifests.get(stage)) for stage in STAGES}
    return {stage: counts for stage, counts in found.items() if counts is not None}


def show_extra(extra: Mapping[str, Any]) -> dict[str, int | float | str]:
    """Return the counts of a stage alone as they are shown: numbers and short texts that say something."""
    shown: dict[str, int | float | str] = {}
    for name, value in list(extra.items())[:_MOST_EXTRAS]:
        if isinstance(value, Mapping):
            value = ", ".join(f"{key} {count}" for key, count in value.items() if count)
        if isinstance(value, str) and value:
            shown[name] = value[:_LONGEST]
        elif (number := _number(value)) is not None:
            shown[name] = number
    return shown


def find_number(extra: Mapping[str, Any], name: str) -> int | None:
    """Return one of the counts of a stage alone, None if the manifest lacks it."""
    return _count(extra.get(name))


def find_seconds(extra: Mapping[str, Any], name: str) -> float | None:
    """Return one of the spans of a stage alone, None if the manifest lacks it."""
    return _number(extra.get(name))


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _number(value: object) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < float("inf") else None


def _counts(value: object) -> dict[str, int] | None:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        return None
    counts = {str(code)[:_LONGEST]: _count(count) for code, count in value.items()}
    return None if None in counts.values() else {code: count for code, count in counts.items() if count}


def _samples(value: object) -> dict[str, list[str]]:
    if not isinstance(value, Mapping):
        return {}
    return {
        str(code): [each[:_LONGEST] for each in ids if isinstance(each, str)][:10]
        for code, ids in value.items()
        if isinstance(ids, list | tuple)
    }


def _kinds(value: object, counted: Mapping[str, Mapping[str, int]]) -> frozenset[str]:
    """Return which side artifacts there are; where the manifest does not say, those that its counts fill."""
    if isinstance(value, Mapping):
        return frozenset(counted) & frozenset(kind for kind in value if isinstance(kind, str))
    return frozenset(kind for kind, counts in counted.items() if counts)


def _window(value: object) -> dict[str, str] | None:
    if not isinstance(value, Mapping):
        return None
    try:
        since, until = (format_instant(read_instant(str(value.get(name)))[0]) for name in ("since", "until"))
    except ValueError:
        return None
    basis = value.get("basis")
    return {"since": since, "until": until, "basis": basis[:_LONGEST] if isinstance(basis, str) else ""}
