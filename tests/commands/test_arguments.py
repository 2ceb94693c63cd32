"""The command line: every command has help and starts fast, and stdout holds only the answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import URL

import ci_operators
from ci_operators.commands.arguments import build_parser
from tests.commands.conftest import Desk
from tests.ledger_database import airflow_connection

COMMANDS = (
    ("check",),
    ("schema",),
    ("reference",),
    ("attack-table",),
    ("ledger", "migrate"),
    ("ledger", "version"),
    ("status",),
    ("explain",),
    ("quarantine", "list"),
    ("quarantine", "show"),
    ("quarantine", "export"),
    ("quarantine", "replay"),
    ("settle",),
    ("reconcile",),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        build_parser().parse_args([*command, "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert "exit status: 0 success" in shown
    assert len(shown.splitlines()) > 5


@pytest.mark.parametrize("arguments", [(), ("nothing",), ("quarantine",), ("quarantine", "show", "0"), ("explain",)])
def test_wrong_use_exits_with_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        build_parser().parse_args(arguments)
    assert end.value.code == 2
    assert capsys.readouterr().out == ""


def start(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a separate process, where nothing captures the output of libraries."""
    environment = {**os.environ, "PYTHONPATH": str(Path(ci_operators.__file__).parents[1]), **variables}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603 - ours


def test_stdout_of_a_process_is_one_json_document(desk: Desk, ledger_url: URL) -> None:
    del desk  # it sets the environment
    entry, address = ("-m", "ci_operators"), airflow_connection(ledger_url)
    done = start(*entry, "ledger", "migrate", "--json", AIRFLOW_CONN_COLLECTIVE_INSIGHTS_LEDGER=address)
    assert json.loads(done.stdout)[0]["problem"] == ""
    assert done.returncode == 0
    done = start(*entry, "status", "--json")
    assert [standing["connector"] for standing in json.loads(done.stdout)] == ["dry", "okta", "s1"]
    assert "alembic" not in done.stderr


def test_help_needs_neither_airflow_nor_the_database() -> None:
    heavy = "{'airflow', 'sqlalchemy', 'rich'}"
    done = start("-c", f"import sys, ci_operators.__main__; print({heavy} & set(sys.modules))")
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_setup_commands_run_from_the_entry_point(desk: Desk) -> None:
    assert json.loads(desk.run("schema").out)["$schema"]
    assert desk.run("reference").out.startswith("# Reference")
    desk.simulator.add_fault("okta", "status", status=401)
    assert desk.run("check", "--json", "okta").status == 1
    assert desk.run("check", "--json", "nobody").status == 2
