"""The simulator as tests use it: shortcuts for Okta, SentinelOne, and Recorded Future."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from simulator.instants import to_us
from simulator.okta.api import OktaTenant
from simulator.recorded_future.api import RecordedFutureTenant
from simulator.recorded_future.store import StoredDetection
from simulator.sentinelone.api import SentinelOneTenant
from simulator.tenants import Tenants


class Simulator(Tenants):
    """All vendors. `okta_events` and `sentinelone_threats` replace the scenarios of these two."""

    def __init__(
        self,
        *,
        okta_events: Iterable[object] | None = None,
        sentinelone_threats: Iterable[object] | None = None,
        **options: Any,
    ) -> None:
        named = {OktaTenant.name: okta_events, SentinelOneTenant.name: sentinelone_threats}
        super().__init__(events={name: events for name, events in named.items() if events is not None}, **options)

    @property
    def detections(self) -> list[StoredDetection]:
        """Return what Recorded Future has stored, in order of arrival, duplicates included."""
        with self.lock:
            return list(self.find(RecordedFutureTenant).store.detections)

    def add_okta_event(self, event: object, persisted_at: datetime | None = None) -> None:
        """Add an event, visible from its `published` on, or only from `persisted_at` on (a late event)."""
        self.add_event(OktaTenant.name, event, persisted_at)

    def add_threat(self, threat: object) -> None:
        """Add a threat, visible from its `createdAt` on."""
        self.add_event(SentinelOneTenant.name, threat)

    def set_verdict(self, threat_id: str, verdict: str, at: datetime | None = None) -> None:
        """Give an added threat a verdict from `at` (or now) on, and change `updatedAt`; KeyError if it is unknown."""
        with self.lock:
            self.find(SentinelOneTenant).judge(threat_id, verdict, self.now if at is None else to_us(at))

    @property
    def okta_access_tokens(self) -> list[str]:
        """Return the access tokens that Okta has issued to service apps."""
        with self.lock:
            return self.find(OktaTenant).token_endpoint.issued

    @property
    def okta_assertions(self) -> list[str]:
        """Return the assertions with which service apps have requested access tokens."""
        with self.lock:
            return list(self.find(OktaTenant).token_endpoint.assertions)

    def revoke_okta_access(self) -> None:
        """Revoke all access tokens of Okta's service apps before they expire."""
        with self.lock:
            self.find(OktaTenant).token_endpoint.revoke_all()
