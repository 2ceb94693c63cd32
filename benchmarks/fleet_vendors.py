"""A simulator with known events for many connectors, which checks that each connector has delivered its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from simulator import Limits, RecordedFutureGrant, Simulator, Tokens
from simulator.draws import Draws
from simulator.instants import HOUR, to_us
from simulator.okta.threat_events import threat_event
from simulator.sentinelone.scenario import threat_hour
from simulator.settings import RECORDED_FUTURE_TOKEN

EVENTS = 20
SOURCES = ("okta", "sentinelone")
#: The roles of connectors: they run at once, or one after the other, or they only exist.
AT_ONCE, PACED, IDLE = "at_once", "paced", "idle"
#: Runs of a connector are a month apart, so that none comes between: its initial import, of a month and a day, ends at
#: any time within the last month. The day before that is in everybody's.
RECENT = timedelta(days=30, hours=12)
_WINDOW = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class FleetConnector:
    """One connector of the fleet, with its own sub-organization, which identifies its stored detections."""

    number: int
    role: str

    @property
    def name(self) -> str:
        """Return its name."""
        return f"{self.role}_{self.number}"

    @property
    def source(self) -> str:
        """Return its source: the connectors take them in turns."""
        return SOURCES[self.number % len(SOURCES)]

    @property
    def organization(self) -> str:
        """Return its sub-organization."""
        return f"uhash:fleet{self.number}"

    def entry(self) -> str:
        """Return its entry in connectors.yaml, which is scheduled only once, for its initial import."""
        return (
            f"  - name: {self.name}\n    source: {self.source}\n    debug: false\n"
            f'    organization_ids: ["{self.organization}"]\n'
            "    update_frequency: 30 days\n    max_window: 31 days\n    initial_import: 31 days\n"
        )


class FleetVendors:
    """The vendors of a fleet: EVENTS events of each source for the initial import."""

    def __init__(self, fleet: Sequence[FleetConnector], now: datetime) -> None:
        self._fleet = fleet
        self._events = _make_events(now - RECENT)
        organizations = tuple(connector.organization for connector in fleet)
        self.simulator = Simulator(
            okta_events=self._events["okta"],
            sentinelone_threats=self._events["sentinelone"],
            tokens=Tokens(recorded_future={RECORDED_FUTURE_TOKEN: RecordedFutureGrant(organizations)}),
            limits=Limits.off(),
            history=timedelta(days=90),
        )

    def check(self) -> int:
        """Return the number of stored detections, if each connector that ran has delivered each event exactly once.

        Raises AssertionError if one is missing or duplicated.
        """
        expected = Counter[tuple[str, str | None]](
            (connector.organization, _id_of(event))
            for connector in self._fleet
            if connector.role != IDLE
            for event in self._events[connector.source]
        )
        stored = self.simulator.detections
        found = Counter((detection.organizations[0], detection.incident_id) for detection in stored)
        too_many, missing = (found - expected).total(), (expected - found).total()
        assert found == expected, f"{too_many} detections are stored that should not be, {missing} are missing"
        return found.total()


def _make_events(begin: datetime) -> dict[str, list[dict[str, Any]]]:
    """Return events of each source from `begin` on that meet the criteria."""
    first = to_us(begin.astimezone(UTC))
    draws = Draws("fleet", first)
    step = _WINDOW // timedelta(microseconds=1) // (4 * EVENTS)
    events = (threat_event(draws, first + number * step, None) for number in range(3 * EVENTS))
    planned = (each for hour in range(1, 100) for each in threat_hour(1, first // HOUR + hour))
    threats = (each.event for each in planned)
    return {
        "okta": [event for event in events if _has_address(event)][:EVENTS],
        "sentinelone": [threat for threat, _ in zip(filter(_has_hash, threats), range(EVENTS), strict=False)],
    }


def _has_address(event: dict[str, Any]) -> bool:
    try:
        return ip_address((event["actor"] or {}).get("displayName") or "") is not None
    except ValueError:  # a domain may not be below a public suffix
        return False


def _has_hash(threat: dict[str, Any]) -> bool:
    return len((threat.get("threatInfo") or {}).get("sha256") or "") == 64


def _id_of(event: dict[str, Any]) -> str:
    return str(event.get("uuid") or event["id"])
