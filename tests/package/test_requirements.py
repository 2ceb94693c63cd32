"""The lists of requirements agree: those of the package, of a deployment and of development."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.airflow_home import ROOT
from tests.versions import RELEASED

RUNTIME, DEPLOYED, DEMO, DEVELOPED = (ROOT / f"requirements{name}.txt" for name in ("", "-deploy", "-demo", "-dev"))
LOCK, DEMO_LOCK, IMAGE = (ROOT / f"requirements-{name}.txt" for name in ("lock", "demo-lock", "image"))
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        found: dict[str, Any] = tomllib.load(file)["project"]
    return found


def read(path: Path) -> list[Requirement]:
    """Return the requirements of a list and of the lists that it includes."""
    found: list[Requirement] = []
    for line in path.read_text(encoding="utf-8").replace("\\\n", "").splitlines():
        text = line.partition(" #")[0].partition(" --hash=")[0].strip()
        if text.startswith("-r "):
            found += read(path.parent / text[3:])
        elif text and not text.startswith("#"):
            found.append(Requirement(text))
    return found


def pins(path: Path, python: str) -> dict[str, Version]:
    """Return the version that a list pins each package to, for a Python on Linux."""
    environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    return {
        canonicalize_name(each.name): Version(next(iter(each.specifier)).version)
        for each in read(path)
        if each.marker is None or each.marker.evaluate(environment)
    }


ASKED: dict[str, SpecifierSet] = {
    canonicalize_name(each.name): each.specifier for each in map(Requirement, project()["dependencies"])
}


@pytest.mark.parametrize(
    "path", [RUNTIME, DEPLOYED, DEMO, DEVELOPED, LOCK, DEMO_LOCK, IMAGE], ids=lambda path: path.name
)
def test_everything_is_pinned(path: Path) -> None:
    for each in read(path):
        assert [one.operator for one in each.specifier] == ["=="], f"{each} is not a pin"


def test_a_deployment_gets_what_the_package_asks_for() -> None:
    pinned = pins(RUNTIME, "3.11")
    assert set(ASKED) == set(pinned), "requirements.txt and pyproject.toml name different packages"
    wrong = [name for name, version in pinned.items() if not ASKED[name].contains(version)]
    assert not wrong, f"pinned outside of what pyproject.toml allows: {wrong}"


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(
    ("path", "lock"), [(DEVELOPED, LOCK), (DEMO, DEMO_LOCK), (DEMO_LOCK, LOCK)], ids=lambda path: path.name
)
def test_development_demo_and_deployment_have_the_same_versions(path: Path, lock: Path, python: str) -> None:
    """`make demo` accepts an installed development lock, so that lock must include the demo's."""
    locked = pins(lock, python)
    others = {name: version for name, version in pins(path, python).items() if locked.get(name) != version}
    assert not others, f"run `make lock`: {others} in {path.name}, otherwise in {lock.name}"


def test_the_demo_installs_no_tools_of_tests_and_checks() -> None:
    tools = set(pins(DEVELOPED, "3.11")) - set(pins(DEMO, "3.11"))
    assert not tools & set(pins(DEMO_LOCK, "3.11"))


def test_the_image_holds_what_is_deployed_in_the_versions_that_are_tested() -> None:
    image, tested = pins(IMAGE, "3.11"), pins(LOCK, "3.11")
    missing = {name for name, version in pins(DEPLOYED, "3.11").items() if image.get(name) != version}
    assert not missing, f"run `make lock`: {missing} in {DEPLOYED.name}, otherwise in {IMAGE.name}"
    others = {name: version for name, version in image.items() if tested.get(name, version) != version}
    assert not others, f"run `make lock`: {others} in {IMAGE.name}, otherwise in {LOCK.name}"


def test_each_package_of_the_image_has_a_hash() -> None:
    entries = IMAGE.read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    assert [entry for entry in entries if not re.search(r" --hash=sha256:[0-9a-f]{64}\b", entry)] == []


def test_the_pythons_are_those_of_the_metadata() -> None:
    allowed = SpecifierSet(project()["requires-python"])
    assert [f"3.{minor}" for minor in range(9, 20) if f"3.{minor}.5" in allowed] == list(PYTHONS)
    named = [each.rpartition(" ")[2] for each in project()["classifiers"] if " :: 3." in each]
    assert named == list(PYTHONS)


def test_ci_tests_each_version_of_airflow() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yaml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["airflow"]["strategy"]["matrix"]["airflow"] == list(RELEASED)
