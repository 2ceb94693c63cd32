"""The differences between versions of Airflow are in one small module, and each name in it exists."""

from __future__ import annotations

import ast
from pkgutil import resolve_name

import pytest
from packaging.version import Version

from ci_operators.airflow_plugin import versions
from ci_operators.airflow_plugin.versions import PATHS, AirflowFailException, check_deadline, failing_at_once
from ci_operators.core.errors import ConfigurationError, CredentialsError, UnavailableError
from tests.airflow_plugin.test_compat import VERSIONS, imports_of, modules_of_ours, parse


@pytest.mark.parametrize("name", PATHS)
def test_airflow_has_each_name(name: str) -> None:
    assert getattr(versions, name) is resolve_name(PATHS[name])


def test_a_name_that_is_not_in_the_list_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'dag'"):
        getattr(versions, "dag")  # noqa: B009 - a static access is what mypy refuses


def test_type_checker_sees_the_newest_paths() -> None:
    seen = {name: f"{module}.{name}" for module, name in imports_of(VERSIONS) if module.startswith("airflow.")}
    assert seen == {name: newest for name, (newest, _) in versions._MOVED.items()}


def test_no_other_module_asks_for_the_version_of_airflow() -> None:
    asking = {
        str(path)
        for path in modules_of_ours()
        for node in ast.walk(parse(path))
        if path != VERSIONS and isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node).endswith("AIRFLOW")
    }
    assert asking == set()


def test_it_stays_small() -> None:
    assert len(VERSIONS.read_text(encoding="utf-8").splitlines()) <= 160


@pytest.mark.parametrize("has_policies", [True, False])
def test_a_fatal_error_ends_the_tries(has_policies: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "HAS_RETRY_POLICIES", has_policies)
    error = CredentialsError("Okta answered 401.")
    raised = CredentialsError if has_policies else AirflowFailException
    with pytest.raises(raised, match="Okta answered 401") as caught, failing_at_once():
        raise error
    assert error in (caught.value, caught.value.__cause__)


def test_a_retriable_error_is_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "HAS_RETRY_POLICIES", False)
    with pytest.raises(UnavailableError), failing_at_once():
        raise UnavailableError("later")


def test_deadlines_that_airflow_cannot_watch_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "HAS_DEADLINES", False)
    monkeypatch.setattr(versions, "AIRFLOW", Version("3.1.8"))
    with pytest.raises(ConfigurationError, match=r"deadline needs Airflow 3\.2\.0 or newer, and this is 3\.1\.8\."):
        check_deadline()
    monkeypatch.setattr(versions, "HAS_DEADLINES", True)
    check_deadline()
