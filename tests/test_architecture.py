"""The map of the package: each path that it names exists, and its layers are those of import-linter."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.airflow_home import ROOT
from tests.test_security import named_places, stands

PACKAGE = ROOT / "plugins" / "ci_operators"


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_every_path_that_it_names_exists(page: str) -> None:
    names = named_places(page)
    assert len(names) > 40
    assert [name for name in names if not stands(name)] == []


def test_its_layers_are_the_checked_ones(page: str) -> None:
    table = page.split("| layer | what is in it", 1)[1].split("\n\n", 1)[0]
    told = [name for row in re.findall(r"^\| (`.*?`) \|", table, flags=re.M) for name in re.findall(r"`(\w+)`", row)]
    assert set(told) == {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = (each["layers"] for each in contracts if each["name"] == "Imports point one way")
    height = {
        part.strip().removeprefix("ci_operators.").split(".")[0]: index
        for index, layer in enumerate(reversed(layers))
        for part in layer.split("|")
    }
    rest = [name for name in told if name != "airflow_plugin"]  # loaded by Airflow from several layers
    assert [height[name] for name in rest] == sorted(height[name] for name in rest)
