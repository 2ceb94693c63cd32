"""The rules of the suite itself: no network, and a test module for every module."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

import ci_operators

PACKAGE = Path(ci_operators.__file__).parent
TESTS = Path(__file__).parent
#: Folders whose modules each have a test module of the same place and name.
MIRRORED = (
    "core",
    "transport",
    "sources",
    "recorded_future",
    "staging",
    "stages",
    "attack",
    "answers",
    "commands",
    "pages",
    "airflow_plugin",
    "connectors_file.py",
)
#: Modules without a test module, and why. This list may only shrink.
EXCEPTIONS = {
    "core/errors.py": "classes without behavior: transport/test_client.py tests their tree and meaning",
    "core/verdict.py": "records without behavior",
    "recorded_future/__init__.py": "one constant: airflow_plugin/test_provider_info.py sees it as a form",
    "sources/source.py": "records without behavior: sources/contract.py checks every source made of them",
}
EXCEPTIONS_ONCE = 4


def modules() -> list[str]:
    """Return the mirrored modules that hold more than a docstring."""
    found = [path for place in MIRRORED for path in ([PACKAGE / place] if place.endswith(".py") else [])]
    found += [path for place in MIRRORED for path in (PACKAGE / place).glob("**/*.py")]
    with_code = [path for path in found if path.name != "__init__.py" or "import" in path.read_text(encoding="utf-8")]
    return sorted(str(path.relative_to(PACKAGE)) for path in with_code)


def mirror_of(module: str) -> Path:
    """Return the path of a module's test module. A source's folder has one: its contract suite."""
    path = Path(module)
    if path.parent.parent.name == "sources":
        return TESTS / path.parent / "test_source.py"
    stem = path.parent.name if path.name == "__init__.py" else path.stem
    return TESTS / path.parent / f"test_{stem}.py"


@pytest.mark.parametrize("module", [module for module in modules() if module not in EXCEPTIONS])
def test_every_module_has_a_test_module(module: str) -> None:
    assert mirror_of(module).is_file(), f"{module} has no {mirror_of(module).relative_to(TESTS)}"


def test_exceptions_only_shrink() -> None:
    assert len(EXCEPTIONS) <= EXCEPTIONS_ONCE
    assert set(EXCEPTIONS) <= set(modules()), "an exception for a module that is gone"
    tested = [module for module in EXCEPTIONS if mirror_of(module).is_file()]
    assert not tested, f"no exception any more: {tested}"


def test_sockets_beyond_loopback_are_blocked() -> None:
    with socket.socket() as away, pytest.raises((UserWarning, RuntimeError), match="192"):
        away.connect(("192.0.2.1", 9))
