"""The simulator beyond loopback: by https, with a certificate of its own that a client can trust."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import requests

from simulator import Simulator, serve
from simulator.certificate import write_certificate


def test_a_client_that_trusts_its_certificate_is_served(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path, ["simulator", "localhost", "127.0.0.1"])
    with serve(Simulator(scenario=False), certificate=certificate) as simulator, requests.Session() as session:
        session.trust_env = False
        assert simulator.url.startswith("https://127.0.0.1:")
        for host in ("127.0.0.1", "localhost"):
            url = simulator.url.replace("127.0.0.1", host)
            assert session.get(f"{url}/simulator/health", verify=str(certificate.chain), timeout=10).ok
        with pytest.raises(requests.exceptions.SSLError):
            session.get(f"{simulator.url}/simulator/health", timeout=10)


def test_a_host_that_the_certificate_does_not_name_is_refused(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path, ["simulator"])
    with serve(Simulator(scenario=False), certificate=certificate) as simulator, requests.Session() as session:
        session.trust_env = False
        with pytest.raises(requests.exceptions.SSLError, match=r"IP address mismatch|certificate is not valid for"):
            session.get(f"{simulator.url}/simulator/health", verify=str(certificate.chain), timeout=10)


def test_its_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    assert stat.S_IMODE(write_certificate(tmp_path, ["simulator"]).key.stat().st_mode) == 0o600
