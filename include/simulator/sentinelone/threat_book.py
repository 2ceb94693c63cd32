"""All threats of the SentinelOne tenant, each with its states over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

import orjson

from simulator.exchange import decode_element
from simulator.instants import HOUR, parse_zoned
from simulator.sentinelone.scenario import MAX_VERDICT_DELAY, PlannedThreat, judged, threat_hour

TIMELESS: Final = 0
_REACH: Final = MAX_VERDICT_DELAY + HOUR
_KEPT_HOURS: Final = 1000


@dataclass(frozen=True, slots=True)
class ThreatState:
    """What the API shows of a threat from one instant on."""

    valid_from: int
    updated: int
    threat: Any
    payload: bytes

    @property
    def info(self) -> dict[str, Any]:
        """The part with verdict and hashes: `threatInfo`, or the old flat form itself."""
        if not isinstance(self.threat, dict):
            return {}
        info = self.threat.get("threatInfo")
        return info if isinstance(info, dict) else self.threat

    @property
    def scope(self) -> dict[str, Any]:
        """The part with the account and the site, of the old flat form itself."""
        section = self.threat.get("agentDetectionInfo") if isinstance(self.threat, dict) else None
        return section if isinstance(section, dict) else self.info


@dataclass(slots=True)
class ThreatRecord:
    """One threat; without a readable `createdAt` it is TIMELESS: it passes every filter and stands first."""

    threat_id: str
    created: int
    serial: int
    states: list[ThreatState]

    def at(self, now: int) -> ThreatState:
        """Returns the state at an instant."""
        current = self.states[0]
        for state in self.states[1:]:
            if state.valid_from <= now:
                current = state
        return current


class ThreatBook:
    """The threats; `seed` None means no scenario, only what is given or added."""

    def __init__(self, seed: int | None, history: int) -> None:
        self._hour = None if seed is None else lru_cache(maxsize=_KEPT_HOURS)(partial(_scenario_hour, seed))
        self._history = history
        self._added: list[ThreatRecord] = []
        self._serials: set[int] = set()

    def add(self, element: object) -> None:
        """Adds an element verbatim (bytes: raw JSON); it is visible from its `createdAt` on."""
        threat, payload = decode_element(element)
        state = ThreatState(0, 0, threat, payload)
        created, updated = _instant(state.info, "createdAt"), _instant(state.info, "updatedAt")
        raw_id = threat.get("id") if isinstance(threat, dict) else None
        threat_id = raw_id if isinstance(raw_id, str) else ""
        states = [ThreatState(0, updated or created, threat, payload)]
        self._added.append(ThreatRecord(threat_id, created, self._serial(threat_id), states))

    def judge(self, threat_id: str, verdict: str, at: int) -> None:
        """Gives an added threat a verdict from an instant on."""
        for record in self._added:
            if record.threat_id == threat_id:
                after = judged(record.states[-1].threat, verdict, at)
                record.states.append(ThreatState(at, at, after, orjson.dumps(after)))
                return
        raise KeyError(f"no added threat with id {threat_id}")

    def existing(self, now: int, created_from: int, updated_from: int) -> Iterator[ThreatRecord]:
        """Yields the threats that exist at `now`; the bounds only spare work, the caller compares exactly."""
        yield from (record for record in self._added if record.created <= now)
        if self._hour is None:
            return
        start = max(now - self._history, created_from, updated_from - _REACH)
        for hour in range(start // HOUR, now // HOUR + 1):
            yield from (record for record in self._hour(hour) if start <= record.created <= now)

    def _serial(self, threat_id: str) -> int:
        """Returns a number for sorting by id that no other added threat has."""
        is_number = threat_id.isascii() and threat_id.isdigit() and int(threat_id) < 1 << 63
        serial = int(threat_id) if is_number else 1 + len(self._serials)
        while serial in self._serials:
            serial += 1
        self._serials.add(serial)
        return serial


def _instant(info: dict[str, Any], name: str) -> int:
    text = info.get(name)
    return (parse_zoned(text) if isinstance(text, str) else None) or TIMELESS


def _scenario_hour(seed: int, hour: int) -> tuple[ThreatRecord, ...]:
    return tuple(_scenario_record(plan) for plan in threat_hour(seed, hour))


def _scenario_record(plan: PlannedThreat) -> ThreatRecord:
    states = [ThreatState(0, plan.updated, plan.threat, orjson.dumps(plan.threat))]
    if plan.verdict is not None:
        after = judged(plan.threat, plan.verdict.value, plan.verdict.given)
        states.append(ThreatState(plan.verdict.given, plan.verdict.given, after, orjson.dumps(after)))
    threat_id = plan.threat["id"]
    return ThreatRecord(threat_id, plan.created, int(threat_id), states)
