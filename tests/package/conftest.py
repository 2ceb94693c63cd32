"""Wheel and sdist, built once from a copy of the tree, since a build writes beside its sources."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_airflow.install import names_own_index
from tests.airflow_home import ROOT

#: Folders that a build leaves out: environments, caches, data. The rest of the tree is in the sdist.
LEFT_OUT = (
    *(".venv", ".git", ".demo", ".env", "*.env", "build", "dist", "node_modules", ".coverage", ".hypothesis"),
    *("__pycache__", ".*_cache", "*.egg-info"),
)


@dataclass(frozen=True)
class Built:
    """The files of a build: the sdist, the wheel built from it, and the wheel built from the tree."""

    sdist: Path
    wheel: Path
    wheel_of_tree: Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build the package as it is released, without network."""
    folder = tmp_path_factory.mktemp("package")
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
    _build(tree, folder / "released")  # the sdist, and the wheel from it
    _build(tree, folder / "direct", "--wheel")
    (sdist,) = (folder / "released").glob("*.tar.gz")
    (wheel,) = (folder / "released").glob("*.whl")
    (wheel_of_tree,) = (folder / "direct").glob("*.whl")
    return Built(sdist, wheel, wheel_of_tree)


@pytest.fixture(scope="session")
def clean_python(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment with the wheel and its requirements, in the lock's versions."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    for command in installation(folder, built.wheel):
        _run(*command)
    return folder / "bin" / "python"


def installation(folder: Path, wheel: Path) -> list[list[str]]:
    """Return the fast commands of uv, or those of pip if pip has a configured index, since uv ignores that."""
    ours, python = sys.executable, str(folder / "bin" / "python")
    wanted = ["--constraint", str(ROOT / "requirements-lock.txt"), str(wheel)]
    if names_own_index(Path(ours)):
        return [
            [ours, "-m", "venv", str(folder)],
            [python, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted],
        ]
    return [
        [ours, "-m", "uv", "venv", "--quiet", "--python", ours, str(folder)],
        [ours, "-m", "uv", "pip", "install", "--quiet", "--python", python, *wanted],
    ]


def _build(tree: Path, folder: Path, *options: str) -> None:
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), *options, str(tree))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our tools
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
