"""The control API under `/simulator/`, which needs no token: what the demo reads over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from simulator.exchange import Call, Reply, json_reply
from simulator.instants import format_us
from simulator.simulator import Simulator

PREFIX: Final = "/simulator/"


def answer_control(simulator: Simulator, call: Call) -> Reply:
    """Return the answer to GET health, or to GET detections with `offset` and `limit`."""
    asked = (call.method, call.path.removeprefix(PREFIX))
    if asked == ("GET", "health"):
        return json_reply(200, {"status": "ok", "time": format_us(call.now), "detections": len(simulator.detections)})
    if asked == ("GET", "detections"):
        return _detections(simulator, dict(call.pairs))
    return json_reply(404, {"message": f"{PREFIX} has only GET health and GET detections"})


def _detections(simulator: Simulator, given: dict[str, str]) -> Reply:
    try:
        offset, limit = (int(given.get(name, default)) for name, default in (("offset", 0), ("limit", 100)))
    except ValueError:
        return json_reply(400, {"message": "offset and limit must be whole numbers"})
    found = simulator.detections
    return json_reply(200, {"count": len(found), "detections": [asdict(one) for one in found[offset : offset + limit]]})
