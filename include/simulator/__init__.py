"""A local simulator of three APIs: the Okta System Log, SentinelOne threats, Collective Insights.

One process and one port; the vendors are told apart by path. For the demo and for tests:

    with serve(Simulator(okta_events=[...], scenario=False)) as simulator:
        requests.get(f"{simulator.url}/api/v1/logs", ...)
"""

from __future__ import annotations

from simulator.clocks import ManualClock
from simulator.faults import Fault, FaultError
from simulator.recorded_future.store import StoredDetection
from simulator.request_log import RequestEntry
from simulator.server import serve
from simulator.settings import Limits, RecordedFutureGrant, Tokens
from simulator.tenants import Simulator

__all__ = [
    "Fault",
    "FaultError",
    "Limits",
    "ManualClock",
    "RecordedFutureGrant",
    "RequestEntry",
    "Simulator",
    "StoredDetection",
    "Tokens",
    "serve",
]
