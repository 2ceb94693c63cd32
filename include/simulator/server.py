"""Runs a simulator on a port, in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from simulator.application import Application
from simulator.certificate import Certificate
from simulator.simulator import Simulator

_GRACE_S = 0.1
_BACKLOG = 512


class _Server(uvicorn.Server):
    """A server that starts and stops immediately instead of at the next tick of a timer."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_ready = threading.Event()
        self._ending: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        self.is_ready.set()
        await self._ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._drain()
        for server in self.servers:
            await server.wait_closed()

    async def _drain(self) -> None:
        """Let pending answers finish for a moment, then close the remaining connections (slow answers)."""
        for _ in range(10):
            await asyncio.sleep(0 if not self.server_state.connections else _GRACE_S / 10)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self) -> None:
        """End the main loop, from any thread."""
        if self._loop is not None and self._ending is not None:
            self._loop.call_soon_threadsafe(self._ending.set)


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; asyncio turns off Nagle's delay only if the protocol is given here."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _quiet_config(simulator: Simulator, certificate: Certificate | None) -> uvicorn.Config:
    return uvicorn.Config(
        Application(simulator),
        ssl_certfile=certificate.chain if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
        lifespan="off",
        loop="asyncio",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        date_header=False,
        server_header=False,
        backlog=_BACKLOG,
    )


@contextmanager
def serve(
    simulator: Simulator | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    certificate: Certificate | None = None,
) -> Iterator[Simulator]:
    """Yield the simulator, with `url` set, while it is served; port 0: a free one. Raises OSError if it is taken."""
    running = simulator or Simulator()
    listener = _listen(host, port)
    bound_port = listener.getsockname()[1]
    server = _Server(_quiet_config(running, certificate))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="simulator", daemon=True)
    thread.start()
    server.is_ready.wait(10)
    running.url = f"{'https' if certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{bound_port}"
    try:
        yield running
    finally:
        server.stop()
        thread.join(10)
        listener.close()
        running.close()
