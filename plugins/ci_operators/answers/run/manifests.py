"""Manifests as they are found: of today's code, of an older version's, damaged, or missing."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec

from ci_operators.core.errors import AccountingError
from ci_operators.core.instant import format_instant
from ci_operators.core.tally import STAGES, Tally

#: What every manifest has; everything else is a figure of its stage alone.
_COMMON = frozenset({
    "stage", "connector", "debug", "window", "artifact", "side_artifacts", "records_in", "records_out", "dropped",
    "quarantined", "notes", "samples", "bytes", "digest", "duration_s",
})  # fmt: skip
_LONGEST = 200
_MOST_EXTRAS = 30

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Number = _Count | Annotated[float, msgspec.Meta(ge=0, le=sys.float_info.max)]
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class _Counts(msgspec.Struct):
    """The part without which a manifest is none."""

    records_in: _Count
    records_out: _Count
    dropped: dict[str, _Count] | None = None
    quarantined: dict[str, _Count] | None = None
    added: _Count = 0


class _Window(msgspec.Struct):
    since: _Instant
    until: _Instant
    basis: str = ""


@dataclass(frozen=True, slots=True)
class FoundManifest:
    """What one stage's manifest says; what is not in it is None or empty.

    side_artifacts: the kinds ("dropped", "quarantined") that the stage wrote; window: since, until and basis;
    extra: figures of this stage alone, such as pages read.
    """

    tally: Tally
    side_artifacts: frozenset[str]
    has_artifact: bool
    debug: bool
    window: Mapping[str, str] | None
    bytes: int | None
    duration_s: float | None
    extra: Mapping[str, Any]

    def count(self, name: str) -> int | None:
        """Return one of the counts of this stage alone, None if the manifest lacks it."""
        count: int | None = _read(self.extra.get(name), _Count, None)
        return count

    def seconds(self, name: str) -> float | None:
        """Return one of the spans of this stage alone, None if the manifest lacks it."""
        seconds: float | None = _read(self.extra.get(name), _Number, None)
        return seconds

    def show_extra(self) -> dict[str, int | float | str]:
        """Return the figures of this stage alone as they are shown: numbers and short texts that say something."""
        shown: dict[str, int | float | str] = {}
        for name, value in list(self.extra.items())[:_MOST_EXTRAS]:
            if isinstance(value, Mapping):
                value = ", ".join(f"{key} {count}" for key, count in value.items() if count)
            if isinstance(value, str) and value:
                shown[name] = value[:_LONGEST]
            elif (number := _read(value, _Number, None)) is not None:
                shown[name] = number
        return shown


def read_manifest(manifest: object) -> FoundManifest | None:
    """Return what a manifest says; None if it is none, or if its counts do not add up."""
    try:
        counts = msgspec.convert(manifest, _Counts)
        codes = _by_code(counts.dropped), _by_code(counts.quarantined)
        tally = Tally(counts.records_in, counts.records_out, counts.added, *codes)
        tally.check_conservation("")
    except (msgspec.ValidationError, AccountingError):
        return None
    assert isinstance(manifest, Mapping)  # noqa: S101 - what has counts is one
    tally.notes = _by_code(_read(manifest.get("notes"), dict[str, _Count], None))
    tally.samples = _read(manifest.get("samples"), dict[str, list[str]], {})
    filled = {kind for kind, codes in (("dropped", tally.dropped), ("quarantined", tally.quarantined)) if codes}
    kinds = manifest.get("side_artifacts")
    return FoundManifest(
        tally,
        frozenset({"dropped", "quarantined"}.intersection(kinds) if isinstance(kinds, Mapping) else filled),
        has_artifact=isinstance(manifest.get("artifact"), str),
        debug=manifest.get("debug") is True,
        window=_show_window(_read(manifest.get("window"), _Window, None)),
        bytes=_read(manifest.get("bytes"), _Count, None),
        duration_s=_read(manifest.get("duration_s"), _Number, None),
        extra={name: value for name, value in manifest.items() if isinstance(name, str) and name not in _COMMON},
    )


def read_manifests(manifests: Mapping[str, object]) -> dict[str, FoundManifest]:
    """Return what the manifests say, by stage in the order of the stages; what is none of ours is left out."""
    found = {stage: read_manifest(manifests.get(stage)) for stage in STAGES}
    return {stage: manifest for stage, manifest in found.items() if manifest is not None}


def _read(value: object, kind: Any, otherwise: Any) -> Any:
    """Return a value of a manifest if it is of a kind."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return otherwise


def _by_code(counts: Mapping[str, int] | None) -> Counter[str]:
    return Counter({code[:_LONGEST]: count for code, count in (counts or {}).items() if count})


def _show_window(window: _Window | None) -> dict[str, str] | None:
    if window is None:
        return None
    since, until = format_instant(window.since), format_instant(window.until)
    return {"since": since, "until": until, "basis": window.basis[:_LONGEST]}
