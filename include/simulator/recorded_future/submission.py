"""A request to `POST /collective-insights/detections`, parsed and checked as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from simulator.exchange import JSON_TYPE, Call
from simulator.instants import parse_zoned
from simulator.recorded_future.entry_rules import check_entry
from simulator.recorded_future.refusals import refused
from simulator.recorded_future.shapes import require_boolean, require_list, require_object
from simulator.recorded_future.store import StoredDetection
from simulator.settings import RecordedFutureGrant

_BODY: Final = frozenset({"options", "organization_ids", "data"})
_OPTIONS: Final = frozenset({"debug", "summary"})


@dataclass(frozen=True, slots=True)
class Submission:
    """A valid request. debug is true by default, as in the support article."""

    debug: bool
    summary: bool
    organizations: tuple[str, ...]
    entries: list[dict[str, Any]]


def read_json_object(call: Call) -> dict[str, Any]:
    """Return the body; refuse another content type, invalid JSON, and anything except an object."""
    content_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != JSON_TYPE:
        raise refused(400, "Content-Type must be application/json")
    try:
        body = orjson.loads(call.body)
    except orjson.JSONDecodeError:
        raise refused(400, "The body is not valid JSON") from None
    if not isinstance(body, dict):
        raise refused(400, "body: must be an object")
    return body


def read_submission(call: Call, grant: RecordedFutureGrant) -> Submission:
    """Return the request if every entry is valid; otherwise refuse it and name the first invalid entry."""
    body = require_object(read_json_object(call), "body", _BODY)
    options = require_object(body.get("options", {}), "options", _OPTIONS)
    debug = require_boolean(options, "debug", "options", True)
    summary = require_boolean(options, "summary", "options", True)
    entries = require_list(body.get("data"), "data")
    if not entries:
        raise refused(400, "data: must not be empty")
    for index, entry in enumerate(entries):
        check_entry(entry, f"data[{index}]")
    return Submission(debug, summary, _organizations(body, grant), entries)


def to_stored(entry: dict[str, Any], number: int, organizations: tuple[str, ...], now: int) -> StoredDetection:
    """Return what is stored of an entry: everything except its `transient_id`; without a time, it is detected now."""
    kept = {name: value for name, value in entry.items() if name != "transient_id"}
    kept["ioc"] = {name: value for name, value in entry["ioc"].items() if name != "transient_id"}
    detected_at = parse_zoned(entry["timestamp"]) if "timestamp" in entry else None
    return StoredDetection(f"ci-{number:08d}", now, now if detected_at is None else detected_at, organizations, kept)


def _organizations(body: dict[str, Any], grant: RecordedFutureGrant) -> tuple[str, ...]:
    """Return the requested organizations, or all organizations of the token if none are named."""
    if "organization_ids" not in body:
        return grant.organizations
    names = require_list(body["organization_ids"], "organization_ids")
    if not names:
        raise refused(400, "organization_ids: must not be empty")
    for index, name in enumerate(names):
        if not isinstance(name, str) or not name.startswith("uhash:") or name == "uhash:":
            raise refused(400, f"organization_ids[{index}]: must start with uhash:")
    foreign = [name for name in names if name not in grant.organizations]
    if foreign:
        raise refused(403, f"The user is not a member of organization {foreign[0]}")
    return tuple(names)
