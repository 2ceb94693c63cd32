"""Settings: the tokens that the simulator accepts and the limits that it enforces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from simulator.okta.service_app import ServiceApp

OKTA_TOKEN: Final = "simulator-okta-read-only-admin"  # noqa: S105 - invented, opens only this simulator
OKTA_TOKEN_WITHOUT_ROLE: Final = "simulator-okta-no-admin-role"  # noqa: S105 - as above
SENTINELONE_TOKEN: Final = "simulator-sentinelone-viewer"  # noqa: S105 - as above
SENTINELONE_TOKEN_WITHOUT_ROLE: Final = "simulator-sentinelone-no-viewer-role"  # noqa: S105 - as above
RECORDED_FUTURE_TOKEN: Final = "simulator0collective0insights001"  # noqa: S105 - as above
RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH: Final = "simulator0collective0insights002"  # noqa: S105 - as above
RECORDED_FUTURE_TOKEN_WITHOUT_MODULE: Final = "simulator0collective0insights003"  # noqa: S105 - as above
ORGANIZATION: Final = "uhash:simOrgA001"
SUB_ORGANIZATION: Final = "uhash:simOrgB002"
FOREIGN_ORGANIZATION: Final = "uhash:simOrgZ999"


@dataclass(frozen=True, slots=True)
class RecordedFutureGrant:
    """What one Recorded Future token allows, and for which organizations."""

    organizations: tuple[str, ...] = (ORGANIZATION, SUB_ORGANIZATION)
    may_submit: bool = True
    may_search: bool = True


def _default_grants() -> Mapping[str, RecordedFutureGrant]:
    return {
        RECORDED_FUTURE_TOKEN: RecordedFutureGrant(),
        RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH: RecordedFutureGrant((ORGANIZATION,), may_search=False),
        RECORDED_FUTURE_TOKEN_WITHOUT_MODULE: RecordedFutureGrant((), may_submit=False, may_search=False),
    }


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that each vendor accepts; True marks a user with the required role. `okta_apps`: service apps."""

    okta: Mapping[str, bool] = field(default_factory=lambda: {OKTA_TOKEN: True, OKTA_TOKEN_WITHOUT_ROLE: False})
    sentinelone: Mapping[str, bool] = field(
        default_factory=lambda: {SENTINELONE_TOKEN: True, SENTINELONE_TOKEN_WITHOUT_ROLE: False}
    )
    recorded_future: Mapping[str, RecordedFutureGrant] = field(default_factory=_default_grants)
    okta_apps: tuple[ServiceApp, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Rates and sizes; None turns a limit off. Times follow the injected clock."""

    okta_per_minute: int | None = 120
    sentinelone_per_second: float | None = 10.0
    sentinelone_burst: int = 50
    sentinelone_retry_after_s: int | None = None
    defender_per_minute: int | None = 150
    recorded_future_per_day: int | None = 15_000
    recorded_future_max_body: int = 5_000_000
    recorded_future_search_delay: timedelta = timedelta(0)

    @classmethod
    def off(cls) -> Limits:
        """Return limits that never refuse a request for its rate, for bulk tests."""
        return cls(
            okta_per_minute=None, sentinelone_per_second=None, defender_per_minute=None, recorded_future_per_day=None
        )
