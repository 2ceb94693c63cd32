"""Makes `.venv` and installs the requirements of a lock file into it if they changed. Standard library only.

`python -m local_airflow.install requirements-demo-lock.txt` installs what `make demo` needs. `requirements-lock.txt`
has the same requirements in the same versions, and those of tests and checks.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from local_airflow.settings import ROOT, LaunchError

DEMO_LOCK: Final = "requirements-demo-lock.txt"
_DROPPED: Final = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER")
_PIP_OPTIONS: Final = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--retries", "2")
_NO_NETWORK: Final = re.compile(r"connection broken by|Max retries exceeded|Could not fetch URL", re.IGNORECASE)
_CAUSE: Final = re.compile(
    r"Temporary failure in name resolution|Name or service not known|nodename nor servname provided[^'\"]*|"
    r"Network is unreachable|Connection refused|No route to host|timed out|CERTIFICATE_VERIFY_FAILED|"
    r"Tunnel connection failed: [^'\")]*|Cannot connect to proxy"
)


def main(lock: str = "requirements-lock.txt") -> int:
    """Install, report an error in one sentence, and return an exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        check_python()
        with _exclusive(ROOT):
            install(ROOT, lock)
    except LaunchError as err:
        sys.stderr.write(f"{err}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. The next start installs again.\n")
        return 130
    return 0


def install(root: Path, lock: str) -> None:
    """Update `root/.venv` to a lock file; raises LaunchError, with the cause, if that fails."""
    folder, stamp = root / ".venv", root / ".venv" / ".installed"
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    wanted, installed = digest(root / lock), read_stamp(stamp)
    if installed[:1] == [python] and wanted in installed:
        return
    stamp.unlink(missing_ok=True)
    if installed[:1] != [python]:
        _make_environment(folder, python)
    _install_requirements(folder, root / lock)
    stamp.write_text(" ".join((python, wanted, digest(root / DEMO_LOCK))))


def check_python() -> None:
    """Raise LaunchError unless this Python, whose version make has checked, can create virtual environments."""
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise LaunchError(
            f"Python {version} at {sys.executable} cannot create virtual environments. Install its venv package "
            f"(Debian, Ubuntu: apt install python{version}-venv)."
        )


def digest(lock: Path) -> str:
    """Return a digest of a lock file."""
    if not lock.exists():
        raise LaunchError(f"{lock.name} is missing in {lock.parent}. Complete the checkout.")
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def read_stamp(stamp: Path) -> list[str]:
    """Return the Python and the lock files of the last complete installation, or nothing if there is none."""
    return stamp.read_text().split() if stamp.exists() and (stamp.parent / "bin" / "python").exists() else []


def explain(log: str) -> str:
    """Return the sentence for a failed installation with the output `log`."""
    if _NO_NETWORK.search(log):
        cause = _CAUSE.search(log)
        because = f" ({cause[0].strip()})" if cause else ""
        return (
            f"The requirements cannot be downloaded: no connection to the package index{because}. "
            "Check the network or the proxy, then run the same command again."
        )
    errors = [line for line in log.splitlines() if line.startswith("ERROR:") or "No space left" in line]
    return f"The requirements cannot be installed: {errors[-1] if errors else 'pip gave no reason'}"


def names_own_index(python: Path) -> bool:
    """Return whether pip's files or environment set an index or constraints, which uv does not read."""
    told = _capture(str(python), "-m", "pip", "config", "list")
    return bool(re.search(r"^\S+\.(index-url|no-index|require-hashes)=", told.stdout, re.MULTILINE))


def _make_environment(folder: Path, python: str) -> None:
    _tell(f"  Virtual environment {folder} with Python {python} ...\n")
    made = _capture(sys.executable, "-m", "venv", "--clear", str(folder))
    if made.returncode != 0:
        lines = (made.stderr or made.stdout).strip().splitlines()
        raise LaunchError(f"The virtual environment cannot be created: {lines[-1] if lines else 'no reason given'}")


def _install_requirements(folder: Path, lock: Path) -> None:
    """Install with uv, which takes seconds; with pip if uv cannot, or if pip has its own index."""
    log, python = folder / "install.log", folder / "bin" / "python"
    names = re.findall(r"^\w\S*", lock.read_text(), re.MULTILINE)
    pip = [str(python), "-m", "pip", "install", *_PIP_OPTIONS]
    uv = [str(folder / "bin" / "uv"), "pip", "install", "--python", str(python), "-r", str(lock)]
    tool = [name for name in names if name.startswith("uv==")]
    _tell(f"  Installing {len(names)} requirements, which takes up to a minute ...\n")
    with log.open("w") as file:
        if not names_own_index(python) and _succeeds([*pip, *tool], file) and _succeeds(uv, file):
            return
        _tell("  Installing with pip, which takes a few minutes ...\n")
        if _succeeds([*pip, "-r", str(lock)], file):
            return
    raise LaunchError(f"{explain(log.read_text())}\nDetails: {log}")


def _succeeds(command: list[str], log: TextIO) -> bool:
    try:
        return subprocess.run(command, env=_environment(), stdout=log, stderr=log, check=False).returncode == 0  # noqa: S603 - ours
    except OSError as err:  # no uv for this machine
        log.write(f"{command[0]}: {err.strerror}\n")
        return False


def _capture(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)  # noqa: S603 - ours


def _tell(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _DROPPED}


@contextmanager
def _exclusive(root: Path) -> Iterator[None]:
    """Let only one installation at a time work in a checkout, by a lock on the folder itself."""
    handle = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _tell("  Another installation is running here; waiting for it ...\n")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
