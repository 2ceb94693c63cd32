"""A fix for the Test button of Airflow's UI for Connections without a port.

Airflow 3.3.2's list of Connections sends port 0 for a Connection that has none, and its API then refuses the test:
"host or port to test differs from the stored connection". For this package's types 0 becomes null, before the API
compares. If the UI sends null, this does nothing. It can be removed when Airflow does so itself.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from ci_operators.airflow_plugin.provider_info import get_provider_info

PATH = "/api/v2/connections/test"
#: A body that is larger is not one of the form, and is not read.
MOST_BYTES = 1 << 20


class PortlessTest:
    """ASGI middleware that changes only these tests."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._types = [entry["connection-type"] for entry in get_provider_info()["connection-types"]]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on, a test of a Connection with a fixed port."""
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].endswith(PATH):
            scope, receive = await self._fix(scope, receive)
        await self._app(scope, receive, send)

    async def _fix(self, scope: Any, receive: Any) -> tuple[Any, Any]:
        messages, size = [], 0
        while size < MOST_BYTES:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body"):
                break
        body = b"".join(message.get("body", b"") for message in messages)
        fixed = fix_port(body, self._types)
        if fixed is not None:
            messages = [{"type": "http.request", "body": fixed, "more_body": False}]
            scope = {**scope, "headers": _with_length(scope["headers"], len(fixed))}
        waiting = iter(messages)

        async def replay() -> Any:
            first = next(waiting, None)
            return first if first is not None else await receive()

        return scope, replay


def fix_port(body: bytes, types: Collection[str]) -> bytes | None:
    """Return the body of a test with null in place of port 0, None if nothing needs a fix."""
    try:
        test = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(test, dict) or test.get("conn_type") not in types or repr(test.get("port")) != "0":
        return None
    return json.dumps({**test, "port": None}).encode()


def _with_length(headers: Any, length: int) -> list[tuple[bytes, bytes]]:
    kept = [(name, value) for name, value in headers if name.lower() != b"content-length"]
    return [*kept, (b"content-length", str(length).encode())]
