"""Ports of loopback: whether one is free, and which one is."""

from __future__ import annotations

import errno
import socket

from local_airflow.settings import LOOPBACK, LaunchError


def check_port(port: int, purpose: str, variable: str) -> None:
    """Raise LaunchError, which names the port and how to choose another one, unless a server can listen on `port`."""
    advice = f"choose another with `make demo {variable}=<port>`"
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((LOOPBACK, port)) == 0:
            raise LaunchError(f"Port {port}, for {purpose}, is in use by another program: end it or {advice}.")
    try:
        _listen(port)
    except OSError as err:
        cause = "is not allowed for you" if err.errno == errno.EACCES else f"cannot be opened ({err.strerror})"
        raise LaunchError(f"Port {port}, for {purpose}, {cause}: {advice}.") from err


def find_free_port() -> int:
    """Return a port of loopback that nothing listens on at this moment."""
    return _listen(0)


def _listen(port: int) -> int:
    # create_server reuses an address: a port whose last connections are still fading away is not busy.
    with socket.create_server((LOOPBACK, port)) as server:
        found: int = server.getsockname()[1]
        return found
