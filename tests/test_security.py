"""Security rules that ruff cannot check, and the paths in the threat model."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.sdk.serde import serialize

import ci_operators
from ci_operators.connectors_file import load_connectors
from ci_operators.core.errors import ConfigurationError
from ci_operators.core.instant import read_instant
from ci_operators.core.tally import Tally
from ci_operators.core.window import Window
from ci_operators.staging.manifest import Manifest
from tests.airflow_home import ROOT

PACKAGE = Path(ci_operators.__file__).parent
PAGE = ROOT / "docs" / "security.md"
#: Rules of ruff's S (bandit) that a line of the installed code can waive, and why. This list may only shrink.
WAIVED = {
    ("ledger/version.py", "S608"): "a constant in the statement",
    ("yaml_text.py", "S506"): "the loader is one of PyYAML's two safe ones: tests/test_yaml_text.py",
    ("sources/okta/oauth.py", "S105"): "a path, no password",
    ("transport/oauth.py", "S105"): "a word, no password",
    ("pages/application.py", "S101"): "an assertion about ourselves",
}
#: Modules that deserialize objects, run programs or read formats with external references: none is needed here.
FORBIDDEN = {
    *("pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "jsonpickle"),
    *("subprocess", "pty", "ctypes", "code", "codeop", "telnetlib", "ftplib"),
    *("xml", "lxml", "defusedxml", "xmlrpc", "plistlib"),
}
#: Names that run text, from any module; `re.compile` is not one of them.
RUNNING = {"eval", "exec", "compile", "__import__", "breakpoint"}
SINCE, _ = read_instant("2026-03-10T11:00:00Z")


def sources() -> Iterator[tuple[str, str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        yield str(path.relative_to(PACKAGE)), text, ast.parse(text)


def find_misuse(tree: ast.Module) -> list[str]:
    """Return the forbidden names of a module."""
    return [said for node in ast.walk(tree) for said in _judge(node)]


def _judge(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.split(".")[0] in FORBIDDEN)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        yield from [node.module or ""] if (node.module or "").split(".")[0] in FORBIDDEN else []
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in RUNNING:
            yield node.func.id
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("system", "popen", "mktemp"):
            yield node.func.attr
        yield from (
            f"{keyword.arg}={ast.unparse(keyword.value)}"
            for keyword in node.keywords
            if (keyword.arg == "verify" and ast.unparse(keyword.value) != "self.session.verify")
            or (keyword.arg in ("shell", "allow_redirects", "trust_env") and ast.unparse(keyword.value) == "True")
        )


@pytest.mark.parametrize(("name", "tree"), [pytest.param(name, tree, id=name) for name, _, tree in sources()])
def test_no_module_runs_what_it_reads(name: str, tree: ast.Module) -> None:
    assert find_misuse(tree) == [], name


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "import xml.etree.ElementTree as tree",
        "from subprocess import run",
        "eval('1')",
        "os.system('true')",
        "tempfile.mktemp()",
        "session.get(url, verify=False)",
        "session.get(url, verify=verify)",
        "session.get(url, allow_redirects=True)",
        "run('true', shell=True)",
    ],
)
def test_misuse_is_detected(line: str) -> None:
    assert len(find_misuse(ast.parse(line))) == 1


def test_ruffs_security_rules_are_on_and_nothing_installed_is_exempt() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert "S" in lint["select"]
    assert not [rule for rule in lint.get("ignore", []) if rule.startswith("S")]
    exempt = [place for place, rules in lint["per-file-ignores"].items() if any(rule[0] == "S" for rule in rules)]
    assert sorted(exempt) == ["benchmarks/**", "tests/**"]


def test_waived_rules_only_shrink() -> None:
    found = {
        (name, rule)
        for name, text, _ in sources()
        for codes in re.findall(r"# noqa: ([A-Z0-9, ]+)", text)
        for rule in codes.replace(",", " ").split()
        if re.fullmatch(r"S\d+", rule)
    }
    assert found == set(WAIVED)
    assert not [name for name, text, _ in sources() if re.search(r"# noqa(?!:)", text)]


def test_an_xcom_is_plain_json_that_airflow_makes_no_object_of() -> None:
    """Airflow turns XComs that name a class in `allowed_deserialization_classes` into objects; ours name none."""
    tally = Tally(records_in=2, records_out=1)
    window = Window(SINCE, SINCE + timedelta(hours=1))
    left = Manifest("map", "okta", True, window, "data interval", "file:///a", tally, {"dropped": "file:///b"})
    xcom = left.to_xcom()
    assert serialize(xcom) == xcom
    assert "__classname__" not in str(serialize(xcom))
    assert "__classname__" in str(serialize(window.since)), "another version of Airflow writes other names"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("connectors: []\na: &a [x,x,x,x,x,x,x,x,x,x]\n", "must contain"),
        (f"connectors: {'[' * 300_000}", "it is nested deeper than 100 levels"),
        ("connectors: [{name: !!python/object/apply:os.getpid []}]", "could not determine a constructor"),
    ],
)
def test_a_connectors_file_that_is_an_attack_is_one_sentence(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "connectors.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=problem) as caught:
        load_connectors(path)
    assert len(str(caught.value)) < 600


def test_a_connectors_file_that_grows_without_end_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "connectors.yaml"
    path.write_text(bomb())
    with pytest.raises(ConfigurationError, match="its aliases expand to more than"):
        load_connectors(path)


def bomb() -> str:
    """Return a connectors file of half a kilobyte, one entry of which is a billion names."""
    lines = ["  - &a0 {organization_ids: [x, x, x, x, x, x, x, x, x, x]}"]
    lines += [f"  - &a{level} {{organization_ids: [{', '.join([f'*a{level - 1}'] * 10)}]}}" for level in range(1, 9)]
    return "\n".join(["connectors:", *lines, ""])


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def named_places(text: str) -> list[str]:
    """Return the modules, tests and pages that a text names: in code style, with a folder or a suffix."""
    return [
        name
        for name in re.findall(r"`([\w./-]+)`", text)
        if re.search(r"\.(py|md|yaml|sh|js|txt|toml)$", name) or name.endswith("/")
    ] + re.findall(r"\]\(([\w./-]+)\)", text)


def stands(name: str) -> bool:
    bases = (ROOT, PACKAGE, ROOT / "docs")
    return any((base / name).exists() for base in bases)


def test_every_path_that_the_threat_model_names_exists(page: str) -> None:
    names = named_places(page)
    assert len(names) > 30
    assert [name for name in names if not stands(name)] == []


def test_a_missing_path_is_detected() -> None:
    assert named_places("`tests/test_nothing.py`, `okta`, [this](none.md)") == ["tests/test_nothing.py", "none.md"]
    assert not stands("tests/test_nothing.py")


def test_the_documented_retention_is_the_default(page: str) -> None:
    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    spans = re.findall(r"`(?:artifacts|history|ledger)` \| `(\d+ days)`", reference)
    assert len(spans) == 3
    assert [span for span in spans if span not in page] == []


def test_the_policy_for_vulnerability_reports_is_linked() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "docs/security.md" in text
    assert "docs/security.md" in (ROOT / "README.md").read_text(encoding="utf-8")
