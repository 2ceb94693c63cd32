"""Elements that tests hand in: decoded for the filters, verbatim for the answers."""

from __future__ import annotations

from typing import Any

import orjson


def decode_element(element: object) -> tuple[Any, bytes]:
    """Returns an element decoded (None if its raw bytes are no JSON) and as the bytes to serve."""
    if not isinstance(element, bytes):
        return element, orjson.dumps(element)
    try:
        return orjson.loads(element), element
    except orjson.JSONDecodeError:
        return None, element
