"""Starting and stopping: in a thread, as a process, and with https and a certificate that a client can trust."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests
from tests.simulator.caller import Caller

from simulator import ManualClock, Simulator, serve
from simulator.certificate import write_certificate
from simulator.settings import OKTA_TOKEN, RECORDED_FUTURE_TOKEN, SENTINELONE_TOKEN

INCLUDE = str(Path(__file__).resolve().parents[2] / "include")
SUBMISSION = {
    "options": {"debug": False, "summary": True},
    "data": [{"ioc": {"type": "ip", "value": "203.0.113.9"}, "detection": {"type": "correlation"}}],
}


def _command(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own module with arguments of this test
        [sys.executable, "-W", "error", "-m", "simulator", *arguments],
        env={**os.environ, "PYTHONPATH": INCLUDE},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_leaves_no_thread_and_frees_the_port(clock: ManualClock) -> None:
    before = set(threading.enumerate())
    for _ in range(5):
        with serve(Simulator(clock=clock, scenario=False)) as simulator:
            url = simulator.url
            assert requests.get(f"{url}/simulator/health", timeout=9).json()["status"] == "ok"
    assert set(threading.enumerate()) == before
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/simulator/health", timeout=9)


def test_a_taken_port_is_an_os_error(clock: ManualClock) -> None:
    simulator = Simulator(clock=clock, scenario=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"), serve(simulator, port=port):
            pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command_serves_until_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    for expected in (1, 2):
        with _command("--port", "0", "--state", str(tmp_path)) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert all(token in line for token in (OKTA_TOKEN, SENTINELONE_TOKEN, RECORDED_FUTURE_TOKEN))
            caller = Caller(line.split()[3])
            assert caller.okta(limit=1).status_code == 200
            assert caller.submit(SUBMISSION).status_code == 200
            assert caller.control("detections", limit=1).json()["count"] == expected
            caller.close()
            process.send_signal(number)
            assert process.communicate(timeout=20) == ("", "")
        assert process.returncode == 0


def test_command_says_that_the_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with _command("--port", str(port)) as process:
            output, errors = process.communicate(timeout=20)
    assert (process.returncode, output) == (1, "")
    assert errors == f"simulator: cannot listen on 127.0.0.1 port {port}: Address already in use\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"), [(["--help"], 0, "X-RFToken"), (["--port", "x"], 2, "0 to 65535")]
)
def test_command_explains_itself(arguments: list[str], status: int, words: str) -> None:
    with _command(*arguments) as process:
        output, errors = process.communicate(timeout=20)
    assert process.returncode == status
    assert words in output + errors


def test_command_refuses_an_unusable_state_directory(tmp_path: Path) -> None:
    (tmp_path / "detections.jsonl").write_text("no json\n")
    with _command("--port", "0", "--state", str(tmp_path)) as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert errors.startswith("simulator: cannot use the state directory")
    assert errors.count("\n") == 1


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
