"""Ports of loopback: checks whether one is free, and finds a free one."""

from __future__ import annotations

import errno
import socket

from local_airflow.settings import LOOPBACK, LaunchError


def check_port(port: int, purpose: str, variable: str) -> None:
    """Raise LaunchError, with how to choose another port, unless a server can listen on `port`."""
    advice = f"choose another with `make demo {variable}=<port>`"
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((LOOPBACK, port)) == 0:
            raise LaunchError(f"Port {port}, for {purpose}, is in use by another program. Stop it or {advice}.")
    try:
        _listen(port)
    except OSError as err:
        cause = "is not allowed for you" if err.errno == errno.EACCES else f"cannot be opened ({err.strerror})"
        raise LaunchError(f"Port {port}, for {purpose}, {cause}: {advice}.") from err


def find_free_port() -> int:
    """Return a port of loopback on which nothing is listening now."""
    return _listen(0)


def _listen(port: int) -> int:
    # create_server reuses an address: a port whose last connections are still closing is not busy.
    with socket.create_server((LOOPBACK, port)) as server:
        found: int = server.getsockname()[1]
        return found
