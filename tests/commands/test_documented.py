"""Every command and snippet of the documentation works, or is at least parsed by its program."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Connection, text

from ci_operators.__main__ import main
from ci_operators.connectors_file import load_connectors
from tests.airflow_home import IGNORED, ROOT
from tests.attack.test_edition import bundle
from tests.commands.conftest import Desk
from tests.commands.documented import PAGES, Command, find_commands, find_problem, find_snippets, parse_own
from tests.commands.documented import split_commands as split
from tests.ledger.delivered import plan_batch

NEW_SOURCE = "new-source"  # it writes into this checkout: test_new_source.py runs it in a copy
#: Not commands, and why.
EXCEPTIONS = {"airflow worker -- LocalExecutor": "the title of a process"}
#: Languages that other tests check (test_operations_page.py, test_metrics.py, `make docs`), and pictures.
ELSEWHERE = {"python", "promql", "{toctree}", "text"}
COMMANDS = [command for command in find_commands() if str(command) not in EXCEPTIONS]
OWN = {
    str(command): command.words[3:]
    for command in COMMANDS
    if command.words[:3] == ("python", "-m", "ci_operators") and command.words[3:]
}
RUN = sorted(name for name, words in OWN.items() if not (parse_own(words) or "…" in words or words[0] == NEW_SOURCE))
#: Values for the placeholders.
VALUES = {"EVENT": "event-0001", "ID": "event-0001", "OLD": "old-name", "NEW": "okta", "/tmp/try": "try"}  # noqa: S108
YAML = [(page, text) for page, language, text in find_snippets() if language == "yaml"]
#: Reads commands and names of settings; prints the result of Airflow's parser for each command, and unknown settings.
ASK = """
import contextlib, io, json, sys
from airflow.cli.cli_parser import get_parser
from airflow.configuration import conf

commands, settings = json.load(sys.stdin)
answers = []
for words in commands:
    said = io.StringIO()
    with contextlib.suppress(SystemExit), contextlib.redirect_stderr(said):
        get_parser().parse_args(words)
    answers.append(said.getvalue())
known = {(section, name) for section, held in conf.configuration_description.items() for name in held["options"]}
print(json.dumps([answers, [each for each in settings if tuple(each) not in known]]))
"""


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.page}: {command}")
def test_each_command_is_valid(command: Command) -> None:
    assert find_problem(command) is None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("make wrong", "make wrong does not know wrong"),
        ("make docs PORT=8080", "make docs does not know PORT"),
        ("python -m ci_operators wrong", "invalid choice: 'wrong'"),
        ("python -m ci_operators explain", "required"),
        ("ledger migrate --force", "unrecognized arguments: --force"),
        ("python -m local_airflow.wrong", "there is no module local_airflow.wrong"),
        ("python -m benchmarks wrong", "there is no benchmark wrong"),
        ("sh deploy/wrong.sh", "does not exist"),
        ("sh deploy/new-env.sh wrong", "does not know"),
        ("pip install '.[wrong]'", "there is no wrong"),
        ("pip install -r wrong.txt", "there is no wrong.txt"),
        ("docker compose exec wrong cat", "docker compose exec does not know wrong"),
        ("docker compose --profile wrong up", "docker-compose.yaml has no profile wrong"),
        ("docker compose up --wrong", "docker compose up does not know --wrong"),
        ("docker swarm init", "docker swarm init is not a known command"),
        ("git pull && frobnicate", "frobnicate is not a known program"),
        ("docker compose exec -T api-server sh -c 'cat; frobnicate' < file", "frobnicate is not a known program"),
    ],
)
def test_a_wrong_command_is_found(line: str, problem: str) -> None:
    found = [said for command in split(line) if (said := find_problem(command))]
    assert len(found) == 1
    assert problem in found[0]


@pytest.mark.parametrize("name", RUN)
def test_our_own_commands_run(name: str, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    (desk.folder / "enterprise-attack.json").write_text(json.dumps({"objects": bundle()}), encoding="utf-8")
    desk.add_okta_events(1)
    desk.deliver()
    with desk.connection.engine.connect() as run:
        deliveries, batch = plan_batch(run, 2, connector="old-name")
        deliveries.put_off(batch)
    printed = desk.run(*(VALUES.get(word, word) for word in OWN[name]))
    # A connector without runs and one that was renamed need attention: status 1.
    assert printed.status == (1 if OWN[name][0] == "status" else 0), printed.out + printed.err
    assert printed.out


@pytest.mark.imports_airflow
def test_airflows_own_parser_and_settings_agree() -> None:
    ours = [command for command in COMMANDS if command.words[0] == "airflow"]
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    settings = re.findall(r"\bairflow__([a-z_]+?)__([a-z_]+)\b", pages.lower())
    assert min(len(ours), len(settings)) > 5
    wrong = [("wrong", "import", "x"), ("dags", "unpause", "x", "--wrong")]
    asked = [[command.words[1:] for command in ours] + wrong, [*settings, ("core", "wrong")]]
    auth_manager = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
    environment = {**os.environ, "AIRFLOW__CORE__AUTH_MANAGER": auth_manager, "PYTHONWARNINGS": IGNORED}
    done = subprocess.run(  # noqa: S603 - this Python, a text of ours
        [sys.executable, "-c", ASK],
        input=json.dumps(asked),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    answers, unknown = json.loads(done.stdout.splitlines()[-1])
    judged = zip(ours, answers, strict=False)
    assert [str(each) for each, no in judged if no and not (each.is_part and "required" in no)] == []
    assert all(answers[-len(wrong) :])
    assert unknown == [["core", "wrong"]]


def test_the_settings_of_a_deployment_are_those_of_its_file() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    table = page.split("| variable | meaning | default |", 1)[1].split("\n\n", 1)[0]
    file = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
    build = {"PIP_INDEX_URL"}  # an argument of the image's build
    assert set(re.findall(r"`([A-Z][A-Z_]+)`", table)) == set(re.findall(r"\$\{(\w+)", file)) | build


def test_every_block_has_a_checked_language() -> None:
    assert {language for _, language, _ in find_snippets()} == {"shell", "yaml", "sql", *ELSEWHERE}


def test_sql_is_run_by_postgresql(ledger_connection: Connection) -> None:
    (block,) = (block for _, language, block in find_snippets() if language == "sql")
    statements = [each for each in re.sub("--.*", "", block).split(";") if each.strip()]
    assert len(statements) == 2
    for statement in statements:
        ledger_connection.execute(text(statement.replace("PID", "0")))


@pytest.mark.parametrize(("page", "snippet"), YAML)
def test_yaml_is_read_and_a_connectors_file_is_loaded(page: str, snippet: str, tmp_path: Path) -> None:
    held = yaml.safe_load(snippet)
    path = tmp_path / "connectors.yaml"
    (tmp_path / "bundle.json").write_text(json.dumps({"objects": bundle()}), encoding="utf-8")
    assert main(["attack-table", str(tmp_path / "bundle.json"), str(tmp_path / "attack.json")]) == 0
    if set(held) <= {"connectors", "destinations", "retention", "attack_table"}:
        path.write_text(snippet + ("" if "connectors" in held else "connectors: []\n"), encoding="utf-8")
        assert load_connectors(path).problems == [], page


def test_listed_exceptions_exist() -> None:
    assert set(EXCEPTIONS) <= {str(command) for command in find_commands()}
