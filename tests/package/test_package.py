"""The released package: built as wheel and sdist, installed alone, found by an Airflow without the tree."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import HeaderParser
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from ci_operators import __version__
from ci_operators.airflow_plugin.provider_info import get_provider_info
from ci_operators.commands.init import find_files
from ci_operators.sources import SOURCES
from tests.airflow_home import ROOT
from tests.package.conftest import Built, installation
from tests.package.test_requirements import project

#: Creating the environment takes a while with pip.
pytestmark = [pytest.mark.package, pytest.mark.timeout(900)]

PRIVATE = (".env", "*.env", "*.pyc", ".demo", ".venv", "*.sqlite", "keys.json")
PACKAGE = ROOT / "plugins" / "ci_operators"


def contents(wheel: Path) -> dict[str, int]:
    """Return the files of a wheel with their checksums, except for the list that names the wheel itself."""
    with zipfile.ZipFile(wheel) as archive:
        return {each.filename: each.CRC for each in archive.infolist() if not each.filename.endswith("/RECORD")}


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which only the installed package can be found."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON", "COLLECTIVE"))}
    return {
        **kept,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "COLLECTIVE_INSIGHTS_CONFIG": str(home / "connectors.yaml"),
    }


def run(python: Path, home: Path, *arguments: str) -> str:
    """Return the output of a command in the clean environment."""
    command = [str(python), "-I", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment(home), cwd=home)  # noqa: S603
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def home(clean_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An Airflow home with the files of `init`."""
    home = tmp_path_factory.mktemp("home")
    assert "connectors.yaml" in run(clean_python, home, "-m", "ci_operators", "init", str(home))
    return home


@pytest.fixture(scope="module")
def found(clean_python: Path, home: Path) -> dict[str, Any]:
    """What Airflow finds in the clean environment."""
    answer = home / "found.json"
    run(clean_python, home, str(Path(__file__).with_name("ask_airflow.py")), str(answer))
    read: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return read


def test_the_wheel_of_the_sdist_is_that_of_the_tree(built: Built) -> None:
    assert contents(built.wheel) == contents(built.wheel_of_tree)


def test_the_wheel_holds_the_whole_package_and_nothing_else(built: Built) -> None:
    tree = {str(path.relative_to(PACKAGE.parent)) for path in PACKAGE.rglob("*") if path.is_file()}
    wanted = {path for path in tree if "__pycache__" not in path}
    wanted |= {f"ci_operators/starter/{name}" for name in find_files()}
    packed = {name for name in contents(built.wheel) if ".dist-info/" not in name}
    assert packed == wanted
    for suffix in (".csv", ".js", ".svg", ".mako", "LICENSE", "NOTICE"):
        assert any(name.endswith(suffix) for name in packed), f"no {suffix}"


def test_the_sdist_holds_the_whole_project_and_nothing_private(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"LICENSE", "NOTICE", "CHANGELOG.md", "Makefile", "docs/runbook.md", "docs/images/run.png", ".ci/run"}
    wanted |= {"dags/okta.py", "include/connectors.yaml", "include/simulator/server.py", "tests/package/conftest.py"}
    assert wanted <= names
    left_out = [name for name in names if any(fnmatch(Path(name).name, pattern) for pattern in PRIVATE)]
    assert not left_out, f"the sdist holds {left_out}"


def test_the_metadata_describes_the_package(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert {"LICENSE", "NOTICE"} <= set(metadata.get_all("License-File", []))
    assert {"s3", "gcs", "azure", "statsd", "otel"} == set(metadata.get_all("Provides-Extra", []))
    assert "Framework :: Apache Airflow :: Provider" in metadata.get_all("Classifier", [])


def test_links_of_the_description_work_on_a_package_index(built: Built) -> None:
    """They are the README's links to files of the tree, prefixed with the project's URL."""
    with zipfile.ZipFile(built.wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        shown = HeaderParser().parsestr(archive.read(name).decode()).get_payload()
    home = project()["urls"]["Source"]
    links = re.findall(r"\]\(([^)]+)\)", str(shown))
    own = [link.removeprefix(f"{home}/") for link in links if link.startswith(home)]
    assert all(link.startswith("https://") for link in links)
    assert {link.split("/")[0] for link in own if link.endswith(".png")} == {"raw"}
    assert [link for link in own if not (ROOT / link.partition("#")[0].split("/", 2)[2]).exists()] == []


def test_a_package_index_accepts_both(built: Built) -> None:
    command = [sys.executable, "-m", "twine", "check", "--strict", str(built.sdist), str(built.wheel)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our tools
    assert checked.returncode == 0, checked.stdout


def test_pip_creates_the_environment_if_an_index_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.example/simple")
    assert "uv" not in [part for command in installation(Path("venv"), Path("our.whl")) for part in command]


def test_the_clean_environment_is_consistent(clean_python: Path) -> None:
    command = [sys.executable, "-m", "uv", "pip", "check", "--python", str(clean_python)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our tools
    assert checked.returncode == 0, checked.stderr


def test_it_is_the_installed_package_that_is_found(found: dict[str, Any], clean_python: Path) -> None:
    assert Path(found["place"]).is_relative_to(clean_python.parents[1])


def test_airflow_lists_provider_and_connection_types(found: dict[str, Any]) -> None:
    assert found["forms"]["providers"] == ["collective-insights-airflow"]
    for entry in get_provider_info()["connection-types"]:
        kind = entry["connection-type"]
        form = found["forms"]["forms"][kind]
        assert form["hook_name"] == entry["hook-name"]
        assert set(form["extra_fields"]) == set(entry["conn-fields"])
        assert found["forms"]["hooks"][kind] == entry["hook-class-name"]


def test_airflow_has_plugin_timetable_and_links_once(found: dict[str, Any]) -> None:
    plugins = found["plugins"]
    assert plugins["names"].count("collective_insights") == 1
    assert plugins["errors"] == {}
    assert "ci_operators.timetables.update_frequency.UpdateFrequencyTimetable" in plugins["timetables"]


def test_airflow_loads_the_dags_that_init_wrote(found: dict[str, Any]) -> None:
    assert found["dags"]["errors"] == {}
    stages = ["extract", "filter", "map", "submit", "validate"]
    tasks = found["dags"]["tasks"]
    assert set(tasks) == {f"collective_insights_{name}" for name in (*SOURCES, "maintenance")}
    assert [tasks[f"collective_insights_{name}"] for name in SOURCES] == [stages] * len(SOURCES)


def test_the_api_server_serves_the_pages(found: dict[str, Any]) -> None:
    answers = found["pages"]["answers"]
    assert {path: status for path, status in answers.items() if path.startswith("static/")} == dict.fromkeys(
        ("static/main.js", "static/vendor/LICENSE", "static/icon.svg"), 200
    )
    assert answers["api/connectors"] == answers["api/tactics"] == 401, "routes that nobody guards, or none"
    assert set(found["pages"]["places"]) >= {"nav", "dag_run", "task_instance"}


def test_the_commands_are_there(clean_python: Path, home: Path) -> None:
    assert "explain" in run(clean_python, home, "-m", "ci_operators", "--help")
