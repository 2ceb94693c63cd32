"""TLS: an untrusted server gets no data, and a later failure makes a live submission's outcome unknown."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ci_operators.core.errors import ConfigurationError, UnknownOutcomeError, UnreachableError
from ci_operators.transport.client import ATTEMPTS
from tests.noting_session import NotingSession
from tests.vendor_cases import LIVE
from tests.virtual_time import VirtualTime

Ending = Callable[[socket.socket], None]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a self-signed certificate for 127.0.0.1."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(host, critical=False)
    signed = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        key, hashes.SHA256()
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()) + signed.public_bytes(pem))
    return path


@contextmanager
def serving(certificate: Path, ending: Ending) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the URL of a TLS server, and the requests that it read before the end of each connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    read: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # the listener was closed: the test is over
            try:
                with context.wrap_socket(connection, server_side=True) as encrypted:
                    read.append(encrypted.recv(65_536))
                    with socket.socket(fileno=encrypted.detach()) as plain:
                        ending(plain)
            except OSError:
                connection.close()

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve, args=(listener,), daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", read
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def break_off(plain: socket.socket) -> None:
    plain.shutdown(socket.SHUT_RDWR)


def talk_nonsense(plain: socket.socket) -> None:
    plain.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")


@pytest.mark.parametrize("ending", [break_off, talk_nonsense])
def test_a_live_submission_that_was_read_is_not_sent_again(
    ending: Ending, certificate: Path, session: NotingSession, virtual_time: VirtualTime
) -> None:
    session.verify = str(certificate)
    with serving(certificate, ending) as (url, read), pytest.raises(UnknownOutcomeError):
        LIVE.ask(LIVE.connect(url, session, virtual_time))
    assert len(read) == len(session.sent) == 1
    assert read[0].startswith(b"POST /collective-insights/detections ")


def test_an_untrusted_server_is_sent_nothing(
    certificate: Path, session: NotingSession, virtual_time: VirtualTime
) -> None:
    with serving(certificate, break_off) as (url, read), pytest.raises(UnreachableError, match="no trusted TLS"):
        LIVE.ask(LIVE.connect(url, session, virtual_time))
    assert read == []
    assert len(session.sent) == ATTEMPTS


def test_a_missing_certificate_file_is_named(session: NotingSession, virtual_time: VirtualTime) -> None:
    session.verify = "/nowhere/bundle.pem"
    with pytest.raises(ConfigurationError, match=r"/nowhere/bundle\.pem.*Fix verify"):
        LIVE.ask(LIVE.connect("https://127.0.0.1:9", session, virtual_time))
