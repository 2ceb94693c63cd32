"""The JSON body of a request."""

from __future__ import annotations

from typing import Any

import orjson

from simulator.exchange import JSON_TYPE, Call
from simulator.recorded_future.refusals import refused


def read_json_object(call: Call) -> dict[str, Any]:
    """Returns the body; refuses another content type, invalid JSON and anything but an object."""
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
