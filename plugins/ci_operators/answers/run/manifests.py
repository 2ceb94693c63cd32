"""Reads the manifests of a run's stages: of this version, of older versions, damaged, or missing."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any

import msgspec

from ci_operators.core.errors import AccountingError
from ci_operators.core.instant import format_instant
from ci_operators.core.tally import STAGES, Tally

_LONGEST = 200
_MOST_EXTRAS = 30

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Number = _Count | Annotated[float, msgspec.Meta(ge=0, le=sys.float_info.max)]
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class RunWindow(msgspec.Struct):
    """The window of a run, and where it comes from."""

    since: _Instant
    until: _Instant
    basis: str = ""

    def tell(self) -> dict[str, str]:
        """Return the window as JSON values."""
        since, until = format_instant(self.since), format_instant(self.until)
        return {"since": since, "until": until, "basis": self.basis[:_LONGEST]}


class FoundManifest(msgspec.Struct, dict=True):
    """The content of one stage's manifest. Members that older versions did not write have a default.

    side_artifacts: by kind ("dropped", "quarantined"), those that the stage wrote; extra: figures that only this
    stage has, such as pages read.
    """

    records_in: _Count
    records_out: _Count
    added: _Count = 0
    dropped: dict[str, _Count] = {}
    quarantined: dict[str, _Count] = {}
    notes: dict[str, _Count] = {}
    samples: dict[str, list[str]] = {}
    side_artifacts: dict[str, str] | None = None
    artifact: str | None = None
    debug: bool = False
    window: RunWindow | None = None
    bytes: _Count | None = None
    duration_s: _Number | None = None
    extra: dict[str, Any] = {}

    @cached_property
    def tally(self) -> Tally:
        """Return the counts."""
        dropped, quarantined, notes = (
            Counter({code[:_LONGEST]: count for code, count in counts.items() if count})
            for counts in (self.dropped, self.quarantined, self.notes)
        )
        return Tally(self.records_in, self.records_out, self.added, dropped, quarantined, notes, self.samples)

    def has_side(self, kind: str) -> bool:
        """Return whether the stage wrote a side artifact, or, in an older manifest, had records for one."""
        return kind in self.side_artifacts if self.side_artifacts is not None else bool(getattr(self.tally, kind))

    def count(self, name: str) -> int | None:
        """Return a count from `extra`, None if it is missing."""
        found = self.number(name)
        return found if isinstance(found, int) else None

    def number(self, name: str) -> float | None:
        """Return a figure from `extra`, None if it is missing."""
        try:
            found: int | float = msgspec.convert(self.extra.get(name), _Number)
        except msgspec.ValidationError:
            return None
        return found

    def show_extra(self) -> dict[str, int | float | str]:
        """Return the figures from `extra` that are shown: numbers and short texts that are not empty."""
        shown: dict[str, int | float | str] = {}
        for name, value in list(self.extra.items())[:_MOST_EXTRAS]:
            if isinstance(value, Mapping):
                value = ", ".join(f"{key} {count}" for key, count in value.items() if count)
            if isinstance(value, str) and value:
                shown[name] = value[:_LONGEST]
            elif (number := self.number(name)) is not None:
                shown[name] = number
        return shown


#: Members that do not count as figures of a single stage.
_COMMON = {*FoundManifest.__struct_fields__, "stage", "connector", "digest", "kept"} - {"added"}


def read_manifest(manifest: object) -> FoundManifest | None:
    """Return the content of a manifest; None if it is not valid, or if its counts do not add up."""
    if not isinstance(manifest, Mapping):
        return None
    extra = {name: value for name, value in manifest.items() if name not in _COMMON}
    try:
        found = msgspec.convert({**manifest, "extra": extra}, FoundManifest)
        found.tally.check_conservation("")
    except (msgspec.ValidationError, AccountingError):
        return None
    return found


def read_manifests(manifests: Mapping[str, object]) -> dict[str, FoundManifest]:
    """Return the contents of the valid manifests by stage, in the order of the stages."""
    found = {stage: read_manifest(manifests.get(stage)) for stage in STAGES}
    return {stage: manifest for stage, manifest in found.items() if manifest is not None}
