"""A simulator with known events for many connectors, which checks that each connector has delivered its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
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
#: Connectors with this in their name run; the others only exist.
ACTIVE = "active"
#: Runs of a connector are a month apart, so that none comes between: its initial import, of a month and a day, ends at
#: any time within the last month. The day before that is in everybody's.
RECENT = timedelta(days=30, hours=12)
#: Outside of all these windows: what a triggered run delivers.
LONG_AGO = timedelta(days=70)
_WINDOW = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class FleetConnector:
    """One connector of the fleet, with its own sub-organization, which identifies its stored detections."""

    number: int
    active: bool

    @property
    def name(self) -> str:
        """Return its name."""
        return f"{ACTIVE if self.active else 'idle'}-{self.number}"

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


def make_fleet(size: int, active: int) -> list[FleetConnector]:
    """Return a number of connectors, the first of which are active."""
    return [FleetConnector(number, number < active) for number in range(size)]


class FleetVendors:
    """The vendors of a fleet: EVENTS events of each source for the initial import, and the same number of old ones."""

    def __init__(self, fleet: Sequence[FleetConnector], now: datetime) -> None:
        self.recent, self.old = now - RECENT, now - LONG_AGO
        self._events = {begin: _make_events(begin) for begin in (self.old, self.recent)}
        organizations = tuple(connector.organization for connector in fleet)
        self.simulator = Simulator(
            okta_events=[event for events in self._events.values() for event in events["okta"]],
            sentinelone_threats=[event for events in self._events.values() for event in events["sentinelone"]],
            tokens=Tokens(recorded_future={RECORDED_FUTURE_TOKEN: RecordedFutureGrant(organizations)}),
            limits=Limits.off(),
            history=timedelta(days=90),
        )

    def old_window(self) -> dict[str, str]:
        """Return the trigger form's fields that ask for the old events."""
        return {"since": self.old.isoformat(), "until": (self.old + _WINDOW).isoformat()}

    def check(self, recent: Iterable[FleetConnector], old: Iterable[FleetConnector]) -> int:
        """Return the number of stored detections, if each connector has delivered each of its events exactly once.

        Raises AssertionError if one is missing or duplicated.
        """
        expected = Counter[tuple[str, str | None]](
            (connector.organization, _id_of(event))
            for begin, connectors in ((self.recent, recent), (self.old, old))
            for connector in connectors
            for event in self._events[begin][connector.source]
        )
        stored = self.simulator.detections
        found = Counter((detection.organizations[0], detection.incident_id) for detection in stored)
        too_many, missing = (found - expected).total(), (expected - found).total()
        assert found == expected, f"{too_many} detections are stored that should not be, {missing} are missing"
        return found.total()


def _make_events(begin: datetime) -> dict[str, list[dict[str, Any]]]:
    """Return events of each source from `begin` on that meet the criteria."""
    first = to_us(begin.astimezone(UTC))
    draws = Draws("fleet", first)  # with different ids for each `begin`
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
