"""A local simulator of the vendors' APIs, for the demo and for tests.

One process and one port; the path of a request determines the vendor. It answers what the connectors request, as
strictly as the vendors' contracts, and rejects everything else:

    with serve(Simulator(okta_events=[...], scenario=False)) as simulator:
        requests.get(f"{simulator.url}/api/v1/logs", ...)

To add a vendor, add a folder with its API and its scenario behind a `Tenant`, and a line in `vendors.py`.
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
