"""The control API under `/simulator/`: what tests and the demo see and change over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import orjson

from simulator.exchange import Call, RefusalError, Reply, json_reply
from simulator.faults import OKTA, SENTINELONE, FaultError, parse_fault
from simulator.instants import DAY, format_us, from_us, parse_zoned
from simulator.recorded_future.store import StoredDetection
from simulator.tenants import Simulator

PREFIX: Final = "/simulator/"


def answer_control(simulator: Simulator, call: Call) -> Reply:
    """Returns the answer of the control API; no token is needed."""
    action = _ACTIONS.get((call.method, call.path.removeprefix(PREFIX)))
    if action is None:
        known = sorted(f"{method} {PREFIX}{name}" for method, name in _ACTIONS)
        return json_reply(404, {"message": "no such control call", "known": known})
    try:
        return json_reply(200, action(simulator, call))
    except RefusalError as refusal:
        return refusal.reply


def _health(simulator: Simulator, call: Call) -> dict[str, Any]:
    return {"status": "ok", "time": format_us(call.now), "detections": len(simulator.detections)}


def _detections(simulator: Simulator, call: Call) -> dict[str, Any]:
    given = dict(call.pairs)
    found = [stored for stored in simulator.detections if _is_wanted(stored, given)]
    if given.get("count_only", "false").lower() == "true":
        return {"count": len(found)}
    offset, limit = _whole(given, "offset", 0), _whole(given, "limit", 100)
    return {"count": len(found), "detections": [_shown(stored) for stored in found[offset : offset + limit]]}


def _is_wanted(stored: StoredDetection, given: dict[str, str]) -> bool:
    if "incident_id" in given and stored.incident_id != given["incident_id"]:
        return False
    return "indicator" not in given or stored.indicator[1] == given["indicator"]


def _shown(stored: StoredDetection) -> dict[str, Any]:
    return {
        "id": stored.id,
        "stored_at": format_us(stored.stored_at),
        "organizations": list(stored.organizations),
        "entry": stored.entry,
    }


def _events(simulator: Simulator, call: Call) -> dict[str, Any]:
    given = dict(call.pairs)
    vendor = given.get("vendor")
    if vendor not in (OKTA, SENTINELONE):
        raise _bad("vendor must be okta or sentinelone")
    until = _instant(given, "until", call.now + 1)
    since = _instant(given, "since", until - DAY)
    ids = simulator.event_ids(vendor, from_us(since), from_us(until), given.get("event_type"))
    return {
        "vendor": vendor,
        "since": format_us(since),
        "until": format_us(until),
        "count": len(ids),
        "ids": ids,
    }


def _requests(simulator: Simulator, call: Call) -> dict[str, Any]:
    vendor = dict(call.pairs).get("vendor")
    shown = [entry.to_json() for entry in simulator.requests if vendor in (None, entry.vendor)]
    return {"count": len(shown), "requests": shown}


def _forget_requests(simulator: Simulator, call: Call) -> dict[str, Any]:
    simulator.clear_requests()
    return {"status": "ok"}


def _pending_faults(simulator: Simulator, call: Call) -> dict[str, Any]:
    return {"faults": [{**asdict(fault), "headers": dict(fault.headers)} for fault in simulator.pending_faults]}


def _program_fault(simulator: Simulator, call: Call) -> dict[str, Any]:
    try:
        fault = parse_fault(orjson.loads(call.body))
    except orjson.JSONDecodeError:
        raise _bad("the body is not valid JSON") from None
    except FaultError as err:
        raise _bad(str(err)) from err
    simulator.program(fault)
    return _pending_faults(simulator, call)


def _forget_faults(simulator: Simulator, call: Call) -> dict[str, Any]:
    simulator.clear_faults()
    return {"status": "ok"}


def _reset(simulator: Simulator, call: Call) -> dict[str, Any]:
    simulator.reset()
    return {"status": "ok"}


def _bad(message: str) -> RefusalError:
    return RefusalError(json_reply(400, {"message": message}))


def _whole(given: dict[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise _bad(f"{name} must be a whole number")
    return int(text)


def _instant(given: dict[str, str], name: str, default: int) -> int:
    if not given.get(name):
        return default
    moment = parse_zoned(given[name])
    if moment is None:
        raise _bad(f"{name} must be an ISO 8601 date-time with a zone")
    return moment


_ACTIONS: Final[dict[tuple[str, str], Callable[[Simulator, Call], dict[str, Any]]]] = {
    ("GET", "health"): _health,
    ("GET", "detections"): _detections,
    ("GET", "events"): _events,
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _forget_requests,
    ("GET", "faults"): _pending_faults,
    ("POST", "faults"): _program_fault,
    ("DELETE", "faults"): _forget_faults,
    ("POST", "reset"): _reset,
}
