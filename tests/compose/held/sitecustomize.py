"""For services that run natively. Python imports this module automatically, since the folder is on their PYTHONPATH.

A stage that is about to write a file waits while a pipe is beside it. The host `simulator` is this machine, and its
port is a free one that the test chose.
"""

import os
import re
import socket
import sys
from typing import Any

#: The suffix of a pipe, after the name of the file that is held back.
HELD = ".held"


def _wait_beside(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not isinstance(arguments[0], str | os.PathLike):
        return
    path = os.fspath(arguments[0])
    if not isinstance(path, str) or not path.endswith(".draft"):
        return
    pipe = re.sub(r"\.[0-9a-f]{8}\.draft$", ".draft", path) + HELD  # a draft's name is specific to its process
    if os.path.exists(pipe):  # noqa: PTH110 - each file is asked
        os.close(os.open(pipe, os.O_RDONLY))  # until a process opens it for writing, which never happens


sys.addaudithook(_wait_beside)


_find_addresses = socket.getaddrinfo


def _find_simulator(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
    if host == "simulator":
        host, port = "127.0.0.1", int(os.environ["TEST_SIMULATOR_PORT"])
    return _find_addresses(host, port, *rest, **more)


socket.getaddrinfo = _find_simulator
