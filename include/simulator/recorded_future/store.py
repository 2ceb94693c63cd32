"""What Recorded Future has stored: every accepted entry as often as it was sent, duplicates included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TextIO

import orjson

from simulator.instants import DAY

FILE_NAME: Final = "detections.jsonl"


@dataclass(frozen=True, slots=True)
class StoredDetection:
    """One stored entry; instants in microseconds since 1970. `transient_id` is never stored."""

    id: str
    stored_at: int
    detected_at: int
    organizations: tuple[str, ...]
    entry: dict[str, Any]

    @property
    def incident_id(self) -> str | None:
        """Return the id of the entry's incident, if it has one."""
        incident = self.entry.get("incident")
        return incident["id"] if incident else None

    @property
    def indicator(self) -> tuple[str, str]:
        """Return type and value of the indicator."""
        return self.entry["ioc"]["type"], self.entry["ioc"]["value"]


class DetectionStore:
    """The stored detections, in memory and, with a directory, in a file that survives a restart."""

    def __init__(self, directory: Path | None) -> None:
        self._path = None if directory is None else directory / FILE_NAME
        self._file: TextIO | None = None
        self.detections: list[StoredDetection] = []
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self.detections = _load(self._path)
        self._per_day: dict[int, int] = {}
        self._count(self.detections)

    def append(self, batch: list[StoredDetection]) -> None:
        """Store a batch; it is in the file when this returns."""
        self.detections.extend(batch)
        self._count(batch)
        if self._path is None:
            return
        if self._file is None:
            self._file = self._path.open("a", encoding="utf-8")
        self._file.writelines(orjson.dumps(asdict(detection)).decode() + "\n" for detection in batch)
        self._file.flush()

    def stored_on_day_of(self, moment: int) -> int:
        """Return how many detections were stored on the UTC day of an instant."""
        return self._per_day.get(moment // DAY, 0)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _count(self, batch: Iterable[StoredDetection]) -> None:
        for detection in batch:
            day = detection.stored_at // DAY
            self._per_day[day] = self._per_day.get(day, 0) + 1


def _load(path: Path) -> list[StoredDetection]:
    """Return the detections in the file, without a last line that a killed process left incomplete."""
    raw = path.read_bytes() if path.exists() else b""
    whole = raw[: raw.rfind(b"\n") + 1]
    if len(whole) < len(raw):
        path.write_bytes(whole)
    return [_from_line(line) for line in whole.splitlines()]


def _from_line(line: bytes) -> StoredDetection:
    members = orjson.loads(line)
    return StoredDetection(**{**members, "organizations": tuple(members["organizations"])})
