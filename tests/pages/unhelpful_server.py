"""A server on loopback that keeps its clients waiting, and counts them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread


@dataclass
class UnhelpfulServer:
    """Answers every request with the same bytes, or not at all without bytes. drips: continues with blanks forever."""

    answer: bytes
    listener: socket.socket
    drips: bool = False
    stopped: Event = field(default_factory=Event)
    asked: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def run(self) -> None:
        """Serve until the listener is shut down."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.asked.append(connection)
            if self.answer:
                connection.recv(1 << 16)
                connection.sendall(self.answer)
            while self.drips and not self.stopped.wait(0.02):
                connection.sendall(b" ")


@contextmanager
def serve_unhelpfully(answer: bytes = b"", *, drips: bool = False) -> Iterator[UnhelpfulServer]:
    """Give a running server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = UnhelpfulServer(answer, listener, drips)
        thread = Thread(target=server.run)
        thread.start()
        try:
            yield server
        finally:
            server.stopped.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in server.asked:
                connection.close()


def refusal(status: int, *headers: str) -> bytes:
    """Return an answer without a body."""
    lines = (f"HTTP/1.1 {status} no", "Content-Length: 0", "Connection: close", *headers, "", "")
    return "\r\n".join(lines).encode()
