"""A new source needs a folder, a line in a registry, a DAG file, tests and a simulated vendor, and nothing else.

The template is instantiated in a copy of the tree. There it has a DAG, a Connection type with its form and its hook,
tables in the reference, and it passes the contract suite.
"""

from __future__ import annotations

import os
import subprocess
import sys
from filecmp import dircmp
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from tests.airflow_home import IGNORED, ROOT

NAME, TITLE = "tiny_guard", "Tiny Guard"
PARTS = ("plugins", "include", "dags", "tests")
#: What Airflow, the reference and the commands show of the source, each queried as the project does.
ASK = """
import runpy
from airflow.providers_manager import ProvidersManager
from ci_operators.commands.reference import reference_text
from ci_operators.commands.quarantine import redact_record
from ci_operators.hooks.vendor import TinyGuardHook
from ci_operators.sources import name_ids

from local_airflow.entries import demo_connections, make_files

dags = runpy.run_path("dags/tiny_guard.py")
assert dags["collective_insights_tiny_guard"].dag_id == "collective_insights_tiny_guard"
manager = ProvidersManager()
assert manager.hooks["tiny_guard"].hook_name == "Tiny Guard"
assert manager.field_behaviours["tiny_guard"]["relabeling"]["password"] == "API Token"
assert TinyGuardHook(tiny_guard_conn_id="acme").http_conn_id == "acme"
for words in ("Options of a connector with `source: tiny_guard`", "What happens to events from Tiny Guard"):
    assert words in reference_text()
assert "source: tiny_guard" in make_files()["include/local_airflow/connectors.yaml"]
assert "tiny_guard_default" in [each.conn_id for each in demo_connections("http://127.0.0.1:1")]
assert "Tiny Guard's alert id" in name_ids()
assert redact_record(b'{"category": "Malware", "user": {"id": "7"}}') == {"category": "Malware", "user": {"id": "***"}}
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the tree with the new source."""
    copy = tmp_path_factory.mktemp("tree")
    for part in PARTS:
        copytree(ROOT / part, copy / part, ignore=ignore_patterns("__pycache__"))
    (copy / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    entry = f"connectors:\n  - name: {NAME}\n    source: {NAME}\n    min_severity: 20\n"
    (copy / "connectors.yaml").write_text(entry, encoding="utf-8")
    run(copy, "-m", "ci_operators", "new-source", NAME, TITLE)
    return copy


def run(tree: Path, *command: str) -> str:
    """Return what Python prints in the copy."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(tree / part) for part in ("plugins", "include", "")),
        "AIRFLOW_HOME": str(tree / "airflow"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(tree / "plugins"),
        "COLLECTIVE_INSIGHTS_CONFIG": str(tree / "connectors.yaml"),
        "PYTHONWARNINGS": IGNORED.replace("error,", ""),
    }
    done = subprocess.run(  # noqa: S603 - this Python, commands of ours
        [sys.executable, *command], capture_output=True, text=True, check=False, env=environment, cwd=tree
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def changed(left: Path, right: Path) -> set[str]:
    """Return the files that are new or different in the second tree."""
    found = dircmp(left, right, ignore=["__pycache__"])
    inner = {f"{name}/{path}" for name in found.common_dirs for path in changed(left / name, right / name)}
    return {*found.right_only, *found.diff_files} | inner


def test_it_has_a_dag_a_connection_type_and_its_words(tree: Path) -> None:
    run(tree, "-c", ASK)


def test_it_passes_the_contract_and_the_suites_own_checks(tree: Path) -> None:
    suite = ("tests/test_suite.py", "tests/sources/test_sources.py", "tests/sources/test_registry.py")
    run(tree, "-m", "pytest", f"tests/sources/{NAME}", *suite, "-q", "-p", "no:cacheprovider")


def test_nothing_else_changes_and_the_linter_passes(tree: Path) -> None:
    found = {path for part in PARTS for path in changed(ROOT / part, tree / part)}
    assert found == {
        f"{NAME}.py",
        f"ci_operators/sources/{NAME}",
        "ci_operators/sources/__init__.py",
        f"simulator/{NAME}",
        "simulator/vendors.py",
        f"sources/{NAME}",
    }
    ruff = ("-m", "ruff", "check", "-q", "--ignore", "I001")
    run(tree, *ruff, f"plugins/ci_operators/sources/{NAME}", f"include/simulator/{NAME}", f"tests/sources/{NAME}")


@pytest.mark.parametrize(
    ("name", "title", "sentence"),
    [
        *(
            (name, TITLE, "is not a new name. Use lowercase letters, digits, and _.")
            for name in ("Tiny", "okta", "a-b", "")
        ),
        (NAME, "Tiny/Guard", "is not a title. Use letters, digits, and spaces."),
    ],
)
def test_a_name_that_cannot_be_a_folder_or_class_is_refused(name: str, title: str, sentence: str) -> None:
    command = [sys.executable, "-m", "ci_operators", "new-source", name, title]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603 - as above
    assert done.returncode == 2
    assert sentence in done.stderr
