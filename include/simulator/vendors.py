"""The registry of vendors. To add a vendor, add a folder with a Tenant, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simulator.crowdstrike.api import CrowdStrikeTenant
from simulator.defender.api import MicrosoftDefenderXDRTenant
from simulator.faults import COMMON_FAULTS
from simulator.okta.api import OktaTenant
from simulator.proofpoint.api import ProofpointTAPTenant
from simulator.recorded_future.api import RecordedFutureTenant
from simulator.sentinelone.api import SentinelOneTenant
from simulator.vendor import Tenant

VENDORS: Final[Mapping[str, type[Tenant]]] = {
    tenant.name: tenant
    for tenant in (
        CrowdStrikeTenant,
        MicrosoftDefenderXDRTenant,
        OktaTenant,
        SentinelOneTenant,
        ProofpointTAPTenant,
        RecordedFutureTenant,
    )
}
#: The kinds of faults, each with the vendors that have it.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(COMMON_FAULTS, tuple(VENDORS)),
    **{
        kind: tuple(name for name, tenant in VENDORS.items() if kind in tenant.own_faults)
        for kind in sorted(frozenset[str]().union(*(tenant.own_faults for tenant in VENDORS.values())))
    },
}


def find_vendor(path: str) -> str | None:
    """Return the vendor of a path."""
    return next((name for name, tenant in VENDORS.items() if path.startswith(tenant.prefixes)), None)
