"""Other users of the machine cannot read written files, with any umask; a busy port is one sentence."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from local_airflow.environment import base_environment, load_keys
from local_airflow.folder import held_lock
from local_airflow.ports import check_port, find_free_port
from local_airflow.processes import Command, run_to_end
from local_airflow.settings import LaunchError

#: The files of a child that sets no modes.
WRITE = "import os; os.mkdir('made'); open('made/file', 'w').write('text'); print('a line of log')"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("umask", [0o022, 0o000])
def test_written_files_are_private(tmp_path: Path, umask: int) -> None:
    log, before = tmp_path / "logs" / "child.log", os.umask(umask)
    (tmp_path / ".demo").mkdir(mode=0o755)
    try:
        run_to_end(Command("child", (sys.executable, "-c", WRITE), base_environment(), log, tmp_path))
        load_keys(tmp_path / "new" / "keys.json")
        with held_lock(tmp_path / ".demo"):
            files = (log, *(tmp_path / name for name in ("made/file", "new/keys.json", ".demo/lock")))
            assert {mode(file) for file in files} == {0o600}
            # Root's folder can be traversed, since its PostgreSQL runs as another user.
            assert mode(tmp_path / ".demo") == (0o700 if os.geteuid() else 0o711)
            assert {mode(folder) for folder in (log.parent, tmp_path / "made", tmp_path / "new")} == {0o700}
    finally:
        os.umask(before)
    assert log.read_text() == "a line of log\n"


@pytest.mark.parametrize("is_listening", [True, False])
def test_a_busy_port_is_named_with_the_fix(is_listening: bool) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        if is_listening:
            holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(LaunchError, match=rf"^Port {port}, for Airflow, .* `make demo PORT=<port>`"):
            check_port(port, "Airflow", "PORT")
    check_port(find_free_port(), "Airflow", "PORT")
