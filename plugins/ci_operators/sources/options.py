"""Options that several sources share."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import BaseModel, Field

from ci_operators.core.connector import Connector, Duration, Policy


class IndicatorPolicies(BaseModel):
    """Options about indicators of little value."""

    private_addresses: Policy = Field(
        default="send", description="Addresses that are not globally reachable, and URLs of such hosts."
    )
    trivial_hashes: Policy = Field(
        default="send", description="Hashes of an empty file or a single line break, and hashes that repeat one digit."
    )


class VerdictConnector(Connector):
    """A connector of a source whose analysts give verdicts hours or days after an event.

    created_key, updated_key: the event's times by which windows can select it.
    """

    run_options: ClassVar[tuple[str, ...]] = ("only_analyst_verified",)
    created_key: ClassVar[str]
    updated_key: ClassVar[str]

    only_analyst_verified: bool = Field(
        default=False, description="Only Fetch Analyst-Verified Events: those that an analyst has confirmed."
    )
    verified_floor: Duration = Field(
        default=timedelta(days=90),
        description="How old an event can be when its verdict is read. Older events of a bulk change are left out.",
    )

    @property
    def window_key(self) -> str:
        """Return the time by which windows select events."""
        return self.updated_key if self.only_analyst_verified else self.created_key

    @property
    def reads_back(self) -> timedelta:
        """Return how much older than its window an event of a scheduled run can be: verdicts come late."""
        return self.overlap + self.verified_floor
