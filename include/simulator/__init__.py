"""A local simulator of three APIs: the Okta System Log, SentinelOne threats, Collective Insights.

One process and one port; the vendors are told apart by path. It answers what the connectors ask, strict as the
vendors' contracts, and refuses the rest. For the demo and for tests:

    with serve(Simulator(okta_events=[...], scenario=False)) as simulator:
        requests.get(f"{simulator.url}/api/v1/logs", ...)

A new vendor is a folder, with its API and its scenario behind a `Tenant`, and a line in `vendors.py`.
"""

from __future__ import annotations

from simulator.faults import Fault, FaultError
from simulator.instants import ManualClock
from simulator.recorded_future.store import StoredDetection
from simulator.request_log import RequestEntry
from simulator.server import serve
from simulator.settings import Limits, RecordedFutureGrant, Tokens
from simulator.simulator import Simulator

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
