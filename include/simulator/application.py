"""The ASGI application: turns requests into calls, and replies into responses."""

from __future__ import annotations

import asyncio
from email.utils import formatdate

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from simulator.control import PREFIX, answer_control
from simulator.exchange import Call, Reply
from simulator.instants import SECOND
from simulator.simulator import Simulator
from simulator.tenants import Outcome


class Application:
    """The application for one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or drop its connection if a fault says so."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            call = await _read_call(request, self._simulator)
        except ClientDisconnect:
            return
        outcome = self._decide(call)
        if outcome.delay_s:
            await asyncio.sleep(outcome.delay_s)
        if outcome.reply is None:
            await _drop(receive, send)
        else:
            await _response(outcome.reply, call.now)(scope, receive, send)

    def _decide(self, call: Call) -> Outcome:
        if call.path.startswith(PREFIX):
            return Outcome(answer_control(self._simulator, call))
        return self._simulator.handle(call)


async def _read_call(request: Request, simulator: Simulator) -> Call:
    body = await request.body()
    return Call(
        method=request.method,
        path=request.url.path,
        query=request.url.query,
        headers=dict(request.headers),
        body=body,
        origin=f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}",
        now=simulator.now,
    )


def _response(reply: Reply, now: int) -> Response:
    """Return the response; its Date is the simulator's clock, because clients calculate waits from it."""
    response = Response(reply.body, reply.status, media_type=None)
    response.headers["content-type"] = reply.content_type
    response.headers["date"] = formatdate(now // SECOND, usegmt=True)
    for name, value in reply.headers:
        if name.lower() == "date":
            response.headers[name] = value
        else:
            response.headers.append(name, value)
    return response


async def _drop(receive: Receive, send: Send) -> None:
    """Close the TCP connection without an answer: the server's `send` is bound to the request's transport."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("this server gives no access to its transport")
    transport.abort()
    await receive()
