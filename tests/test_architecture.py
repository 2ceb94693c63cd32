"""The map of the package: each place that it names is there, and its layers are those that import-linter holds."""

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


def test_every_place_that_it_names_is_there(page: str) -> None:
    names = named_places(page)
    assert len(names) > 40
    assert [name for name in names if not stands(name)] == []


def test_its_layers_are_those_that_are_checked(page: str) -> None:
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
    rest = [name for name in told if name != "airflow_plugin"]  # loaded by Airflow from several heights
    assert [height[name] for name in rest] == sorted(height[name] for name in rest)
