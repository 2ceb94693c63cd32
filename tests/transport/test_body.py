"""A body is read to its end if it is small enough for a page, from a real server on loopback."""

from __future__ import annotations

import gzip
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests

from ci_operators.core.errors import RequestRefusedError, UnknownOutcomeError
from ci_operators.transport import body
from ci_operators.transport.body import read_body
from tests.vendor_cases import DRY_RUN, LIVE, OKTA, SENTINELONE, VendorCase
from tests.virtual_time import VirtualTime

LIMIT = 1 << 21
#: 64 MB in 64 KB.
BOMB = gzip.compress(bytes(1 << 26))


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "LONGEST_BYTES", LIMIT)
    monkeypatch.setattr(body, "LONGEST_ERROR_BYTES", 1000)


@contextmanager
def serving(status: int, payload: bytes, encoding: str = "identity") -> Iterator[tuple[str, list[int]]]:
    """Serve one answer to every request; yield the URL and the lengths of the request bodies."""
    asked: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            asked.append(length)
            self.send_response(status)
            self.send_header("Content-Encoding", encoding)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):  # the client has read enough
                self.wfile.write(payload)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def asking(status: int, payload: bytes, encoding: str = "identity") -> Iterator[requests.Response]:
    with serving(status, payload, encoding) as (url, _), requests.get(url, stream=True, timeout=10) as response:
        yield response


@pytest.mark.parametrize("size", [0, 1, LIMIT - 1, LIMIT])
def test_a_page_is_read_whole(size: int) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)
    with asking(200, payload[:size]) as response:
        assert read_body(response, "Okta") == payload[:size]


@pytest.mark.parametrize(("payload", "encoding"), [(bytes(LIMIT + 1), "identity"), (BOMB, "gzip")])
def test_a_body_too_large_for_a_page_is_refused_in_a_sentence(payload: bytes, encoding: str) -> None:
    with asking(200, payload, encoding) as response, pytest.raises(RequestRefusedError) as caught:
        read_body(response, "Okta")
    assert str(caught.value) == (
        "Okta answered 200 with more than 2 MB, more than any page has. The rest was not read."
    )
    assert caught.value.status == 200


@pytest.mark.parametrize("status", [200, 503])
def test_an_endless_body_is_given_up(status: int) -> None:
    taken = itertools.count()
    response = requests.Response()
    response.status_code = status
    response.iter_content = lambda size, *_: (bytes(size) for _ in taken)  # type: ignore[method-assign]  # endless
    with suppress(RequestRefusedError):
        read_body(response, "Okta")
    assert next(taken) <= LIMIT // (1 << 20) + 2


def test_a_compressed_body_is_not_decompressed_at_once() -> None:
    with asking(200, BOMB, "gzip") as response:
        assert max(map(len, response.iter_content(1 << 20))) <= 1 << 21


@pytest.mark.parametrize("status", [301, 404, 503])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_only_the_start_of_an_error_is_read(status: int, encoding: str) -> None:
    payload = b"it broke" * 1_000_000
    with asking(status, gzip.compress(payload) if encoding == "gzip" else payload, encoding) as response:
        assert read_body(response, "Okta") == payload[:1000]


@pytest.mark.parametrize("case", [OKTA, SENTINELONE, DRY_RUN], ids=str)
def test_such_an_answer_is_requested_once(
    case: VendorCase, session: requests.Session, virtual_time: VirtualTime
) -> None:
    with serving(200, BOMB, "gzip") as (url, asked):
        client = case.connect(url, session, virtual_time)
        with pytest.raises(RequestRefusedError, match="with more than 2 MB"):
            case.ask(client)
    assert len(asked) == 1


def test_such_an_answer_to_a_submission_is_an_unknown_outcome(
    session: requests.Session, virtual_time: VirtualTime
) -> None:
    with serving(200, BOMB, "gzip") as (url, asked):
        client = LIVE.connect(url, session, virtual_time)
        with pytest.raises(UnknownOutcomeError, match=r"rest was not read\. The detections may have been stored"):
            LIVE.ask(client)
    assert len(asked) == 1
