"""The browser's modules as files. (Their behavior: end_to_end; their types and rules: `make lint`.)"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ci_operators.pages.application import STATIC
from tests.airflow_home import ROOT

VENDOR = STATIC / "vendor"
LIBRARIES = [path for pattern in ("*.js", "*.ts") for path in sorted(VENDOR.glob(pattern))]


@pytest.mark.parametrize("module", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_lines_are_no_longer_than_those_of_python(module: Path) -> None:
    lines = module.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 120] == []


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda path: path.name)
def test_a_library_of_others_is_recorded_and_unchanged(library: Path) -> None:
    (record,) = (line for line in (VENDOR / "README.md").read_text().splitlines() if f"`{library.name}`" in line)
    assert f"`{hashlib.sha256(library.read_bytes()).hexdigest()}`" in record
    for name in record.split("|")[4].split("`")[1::2]:
        assert (VENDOR / name).is_file(), f"{name}: the license is missing"


def test_the_tools_are_pinned_and_their_lock_names_no_registry() -> None:
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    for name, version in wanted.items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    assert [name for name, package in lock["packages"].items() if name and "integrity" not in package] == []
