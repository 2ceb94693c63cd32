"""A server that accepts everything in place of Recorded Future's API: `python -m benchmarks.api_server DELAY_MS`."""

from __future__ import annotations

import json
import socketserver
import sys
import time

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
#: How entries of a type begin, as the project and as `json` write them.
_KINDS = {
    kind: (b'"ioc":{"type":"%s"' % kind.encode(), b'"ioc": {"type": "%s"' % kind.encode())
    for kind in ("ip", "domain", "hash", "vulnerability", "url")
}


class _Handler(socketserver.StreamRequestHandler):
    """Counts the entries of each request, and answers that it stored them."""

    disable_nagle_algorithm = True
    delay_s = 0.0

    def handle(self) -> None:
        """Answer until the client goes."""
        while self.rfile.readline(1 << 16):
            body = self.rfile.read(self._read_length())
            time.sleep(self.delay_s)
            self.wfile.write(_answer(body))

    def _read_length(self) -> int:
        length = 0
        while (line := self.rfile.readline(1 << 16).strip().lower()) != b"":
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return length


def _answer(body: bytes) -> bytes:
    processed = {kind: sum(map(body.count, texts)) for kind, texts in _KINDS.items()}
    result = {"status": "OK", "debug": b'"debug": true' in body[:60], "summary": {"processed": processed}}
    text = json.dumps({"result": result}).encode()
    return _HEAD % len(text) + text


def main() -> None:
    """Serve until the end of the process."""
    _Handler.delay_s = float(sys.argv[1]) / 1000
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
