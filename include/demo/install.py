"""Makes `.venv` and installs the pinned requirements into it, when they changed. Standard library only."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from demo.errors import DemoError
from demo.settings import ROOT

LOWEST: Final = (3, 11)
HIGHEST: Final = (3, 13)
_LOCK_FILE: Final = "requirements-lock.txt"
_DROPPED: Final = (
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPATH",
    "PYTHONHOME",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_USER",
)
_PIP_OPTIONS: Final = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off", "--retries", "2")
_PLAIN_EVERY_S: Final = 10.0
_MOVING_EVERY_S: Final = 0.2
_NO_NETWORK: Final = re.compile(r"connection broken by|Max retries exceeded|Could not fetch URL", re.IGNORECASE)
_CAUSE: Final = re.compile(
    r"Temporary failure in name resolution|Name or service not known|nodename nor servname provided[^'\"]*|"
    r"Network is unreachable|Connection refused|No route to host|timed out|CERTIFICATE_VERIFY_FAILED|"
    r"Tunnel connection failed: [^'\")]*|Cannot connect to proxy"
)


def main() -> int:
    """Install, tell in one sentence what is wrong, and return an exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        install(ROOT)
    except DemoError as err:
        sys.stderr.write(f"{err}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped; the next start installs again.\n")
        return 130
    return 0


def install(root: Path) -> None:
    """Bring `root/.venv` to the state of the lock file; DemoError says what prevents it."""
    check_python(sys.version_info[:2])
    requirements = root / _LOCK_FILE
    if not requirements.exists():
        raise DemoError(f"{_LOCK_FILE} is missing in {root}: the checkout is not complete.")
    wanted = make_stamp(requirements.read_bytes(), sys.version_info[:2])
    with _exclusive(root):
        stamp = root / ".venv" / ".installed"
        current = read_stamp(stamp)
        if current == wanted:
            return
        stamp.unlink(missing_ok=True)
        if current.partition(" ")[0] != wanted.partition(" ")[0]:
            _make_environment(root / ".venv")
        _install_requirements(root / ".venv", requirements)
        stamp.write_text(wanted)


def check_python(found: tuple[int, ...]) -> None:
    """Raise DemoError unless this Python may be used."""
    if not LOWEST <= found[:2] <= HIGHEST:
        raise DemoError(
            f"Python {found[0]}.{found[1]} was chosen, but 3.{LOWEST[1]} to 3.{HIGHEST[1]} is needed: "
            "install one, or name it with `make PYTHON=/path/to/python ...`."
        )
    if importlib.util.find_spec("ensurepip") is None:
        raise DemoError(
            f"Python {found[0]}.{found[1]} at {sys.executable} cannot make virtual environments: install its "
            f"venv package (Debian, Ubuntu: apt install python{found[0]}.{found[1]}-venv)."
        )


def make_stamp(requirements: bytes, python: tuple[int, ...]) -> str:
    """Returns what names an installation: the Python's version and the lock file's digest."""
    return f"{python[0]}.{python[1]} {hashlib.sha256(requirements).hexdigest()}"


def read_stamp(stamp: Path) -> str:
    """Returns the stamp of the last complete installation, or nothing if there is none that works."""
    return stamp.read_text() if stamp.exists() and (stamp.parent / "bin" / "python").exists() else ""


def explain(log: str) -> str:
    """Returns the sentence for a failed installation whose output is `log`."""
    if _NO_NETWORK.search(log):
        cause = _CAUSE.search(log)
        because = f" ({cause[0].strip()})" if cause else ""
        return (
            f"The requirements cannot be downloaded: no connection to the package index{because}. "
            "Check the network or the proxy, then run the same command again."
        )
    errors = [line for line in log.splitlines() if line.startswith("ERROR:") or "No space left" in line]
    return f"The requirements cannot be installed: {errors[-1] if errors else 'pip gave no reason'}"


def _make_environment(folder: Path) -> None:
    _tell(f"  Virtual environment {folder} with Python {sys.version_info[0]}.{sys.version_info[1]} ...\n")
    made = subprocess.run(  # noqa: S603 - fixed command
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        lines = (made.stderr or made.stdout).strip().splitlines()
        raise DemoError(f"The virtual environment cannot be made: {lines[-1] if lines else 'no reason given'}")


def _install_requirements(folder: Path, requirements: Path) -> None:
    """Install by uv, which takes seconds; by pip where uv cannot, or must not: it reads none of pip's settings."""
    log, python = folder / "install.log", folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", *_PIP_OPTIONS]
    uv = [str(folder / "bin" / "uv"), "pip", "install", "--python", str(python)]
    tool = None if names_own_index(python) else find_pin("uv", requirements.read_text())
    total = sum(1 for line in requirements.read_text().splitlines() if line[:1].isalnum())
    _tell(f"  Installing {total} requirements ...\n")
    with log.open("w") as file:
        if tool and _run([*pip, tool], file) == 0 and _run([*uv, "-r", str(requirements)], file) == 0:
            return
        _tell("  They come by pip, which takes a minute or two ...\n")
        if _run([*pip, "-r", str(requirements)], file) == 0:
            return
    raise DemoError(f"{explain(log.read_text())}\nDetails: {log}")


def names_own_index(python: Path) -> bool:
    """Returns whether pip is told by its files or its environment where to look, or what to insist on."""
    told = subprocess.run(  # noqa: S603 - fixed command
        [python, "-m", "pip", "config", "list"], env=_environment(), capture_output=True, text=True, check=False
    )
    return bool(re.search(r"^\S+\.(index-url|no-index|require-hashes)=", told.stdout, re.MULTILINE))


def find_pin(name: str, requirements: str) -> str | None:
    """Returns the requirement `name==version` that a lock file holds, None without one."""
    found = re.search(rf"^{re.escape(name)}==[^\s;]+", requirements, re.MULTILINE)
    return found[0] if found else None


def _run(command: list[str], log: TextIO) -> int:
    try:
        child = subprocess.Popen(  # noqa: S603 - this file's commands
            command, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    except OSError as err:  # no such program for this machine
        log.write(f"{command[0]}: {err.strerror}\n")
        return 1
    try:
        for line in _follow(child):
            log.write(line)
        return child.wait()
    except BaseException:
        child.terminate()
        child.wait()
        raise


def _follow(child: subprocess.Popen[str]) -> Iterator[str]:
    """Yield its lines, telling every second (on a terminal) or every ten how long it takes."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read_lines, args=(child, lines), daemon=True).start()
    started = told = time.monotonic()
    while True:
        try:
            line = lines.get(timeout=1.0)
        except queue.Empty:
            line = ""
        if line is None:
            _tell("\r\033[K" if sys.stdout.isatty() else "")
            return
        told = _tell_progress(f"  Requirements: {time.monotonic() - started:.0f} s", told)
        if line:
            yield line


def _read_lines(pip: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    for line in pip.stdout or ():
        lines.put(line)
    lines.put(None)


def _tell_progress(text: str, told: float) -> float:
    on_terminal = sys.stdout.isatty()
    if time.monotonic() - told < (_MOVING_EVERY_S if on_terminal else _PLAIN_EVERY_S):
        return told
    _tell(f"\r\033[K{text[: shutil.get_terminal_size().columns - 1]}" if on_terminal else f"{text}\n")
    return time.monotonic()


def _tell(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _DROPPED}


@contextmanager
def _exclusive(root: Path) -> Iterator[None]:
    """Let one installation at a time work in a checkout: the lock is on the folder itself."""
    handle = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _tell("  Another installation is under way here; waiting for it ...\n")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


if __name__ == "__main__":
    sys.exit(main())
