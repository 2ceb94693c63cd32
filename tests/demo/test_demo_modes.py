"""Other users of the machine read nothing of what the demo writes, whatever the umask."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.environment import base_environment
from demo.keys import write_secret
from demo.lock import held_lock
from demo.places import make_folder
from demo.processes import Command, run_to_end

#: What a child that knows nothing of modes writes.
WRITE = "import os; os.mkdir('made'); open('made/file', 'w').write('text'); print('a line of log')"


@pytest.fixture(autouse=True, params=[0o022, 0o000])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_process_writes_for_its_owner_alone_and_so_is_its_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "child.log"
    run_to_end(Command("child", (sys.executable, "-c", WRITE), base_environment(), log, tmp_path))
    assert log.read_text() == "a line of log\n"
    assert [mode(path) for path in (log.parent, log, tmp_path / "made", tmp_path / "made" / "file")] == [
        0o700,
        0o600,
        0o700,
        0o600,
    ]


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize(("user", "expected"), [(1000, 0o700), (0, 0o711)])
def test_its_folder_is_closed_even_if_it_was_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool, user: int, expected: int
) -> None:
    """Root's may be passed through: its PostgreSQL runs as another user."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    folder = tmp_path / "demo"
    if is_there:
        folder.mkdir(mode=0o755)
    make_folder(folder)
    assert mode(folder) == expected


def test_lock_and_keys_are_closed(tmp_path: Path) -> None:
    with held_lock(tmp_path / ".demo"):
        assert mode(tmp_path / ".demo") & 0o066 == 0
        assert mode(tmp_path / ".demo" / "lock") == 0o600
    write_secret(tmp_path / "new" / "keys.json", "{}")
    assert (mode(tmp_path / "new"), mode(tmp_path / "new" / "keys.json")) == (0o700, 0o600)
