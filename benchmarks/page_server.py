"""A source that answers as fast as loopback allows: with prepared pages, keep-alive, and the vendors' paging.

`python -m benchmarks.page_server okta 10000` prints its URL and serves 10 000 events until it is ended.
"""

from __future__ import annotations

import re
import socketserver
import sys
from functools import lru_cache
from typing import Final

from benchmarks.pages import PAGE_EVENTS, make_templates, number_events

_PAGE: Final = re.compile(rb"(?:after|cursor)=page(\d+)")


class PageServer(socketserver.ThreadingTCPServer):
    """Serves one source's events. It ignores tokens and windows."""

    daemon_threads = True

    def __init__(self, source: str, events: int) -> None:
        """Make the pages and listen on a free port of loopback."""
        super().__init__(("127.0.0.1", 0), _Connection)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.pages = events // PAGE_EVENTS
        self._source = source
        self._templates = make_templates(source)
        self.answer = lru_cache(maxsize=2)(self._answer)

    def _answer(self, page: int) -> tuple[bytes, bytes]:
        """Return the head and the body of the answer for a page."""
        events = number_events(self._templates[page % len(self._templates)], page)
        following = page + 1 if page + 1 < self.pages else None
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        if self._source == "okta":
            body, path = events, f"{self.url}/api/v1/logs"
            head += f'Link: <{path}?limit={PAGE_EVENTS}>; rel="self"\r\n'
            if following is not None:
                head += f'Link: <{path}?after=page{following}&limit={PAGE_EVENTS}>; rel="next"\r\n'
        else:
            cursor = "null" if following is None else f'"page{following}"'
            body = b'{"data":%s,"pagination":{"nextCursor":%s,"totalItems":0}}' % (events, cursor.encode())
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode(), body


class _Connection(socketserver.StreamRequestHandler):
    server: PageServer
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Answer requests until the client hangs up; the next page is made while the client reads this one."""
        while request := self.rfile.readline():
            while self.rfile.readline().strip():
                pass  # the headers
            found = _PAGE.search(request)
            page = int(found[1]) if found else 0
            for part in self.server.answer(page):
                self.connection.sendall(part)
            self.server.answer(page + 1)


def main() -> None:
    """Serve until the end of the process."""
    with PageServer(sys.argv[1], int(sys.argv[2])) as server:
        print(server.url, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
