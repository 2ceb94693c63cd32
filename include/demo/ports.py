"""Ports of loopback: is one free, and which one is."""

from __future__ import annotations

import errno
import socket

from demo.errors import PortError
from demo.settings import LOOPBACK


def check_port(port: int, purpose: str, variable: str) -> None:
    """Raise PortError, which names the port and how to choose another, unless `port` can be listened on."""
    advice = f"choose another with `make demo {variable}=<port>`"
    if _answers(port):
        raise PortError(f"Port {port}, wanted for {purpose}, is in use by another program: end it or {advice}.")
    try:
        _bind(port).close()
    except OSError as err:
        if err.errno == errno.EACCES:
            raise PortError(f"Port {port}, wanted for {purpose}, may not be opened by you: {advice}.") from err
        raise PortError(f"Port {port}, wanted for {purpose}, cannot be opened ({err.strerror}): {advice}.") from err


def find_free_port() -> int:
    """Returns a port of loopback that nothing listens on at this moment."""
    with _bind(0) as listener:
        port: int = listener.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _bind(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Without this a port whose last connections are still fading away would count as busy for a minute.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
    except OSError:
        listener.close()
        raise
    return listener
