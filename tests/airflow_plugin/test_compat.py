"""Our uses of Airflow outside its public interface: each one exists and is listed."""

from __future__ import annotations

import ast
import inspect
import os
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import SimpleNamespace

import airflow.sdk
import pytest

from ci_operators.airflow_plugin import compat, versions
from ci_operators.airflow_plugin.compat import PRIVATE_USES, find_private, read_stored_connections
from tests.airflow_home import ROOT, on_newest

PACKAGE = ROOT / "plugins" / "ci_operators"
COMPAT = PACKAGE / "airflow_plugin" / "compat.py"
VERSIONS = PACKAGE / "airflow_plugin" / "versions.py"
#: What our modules can import besides `airflow.sdk`, by module, and the page that documents it as public.
PUBLIC = {
    "airflow.plugins_manager": {"AirflowPlugin"},  # Plugins > Interface
    "airflow.providers.http.hooks.http": {"HttpHook"},  # Public Interface > Hooks
    "airflow.sdk.log": {"mask_secret"},  # Task SDK API Reference > Logging
    "airflow.timetables.base": {"DagRunInfo", "DataInterval", "TimeRestriction", "Timetable"},  # … > Timetables
}
PARTS = [(name, part) for name, use in PRIVATE_USES.items() for part in use.parts]


def modules_of_ours() -> Iterator[Path]:
    """Yield the files of the package, the DAG files and the files that are deployed with them."""
    for folder in ("plugins", "dags", "deploy"):
        yield from sorted((ROOT / folder).glob("**/*.py"))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the module and name of each import of a file, including those in functions and for type checkers."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def take_away(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Remove the module, or the name in a module, of this path from Airflow."""
    module, _, name = path.rpartition(".")
    monkeypatch.delattr(import_module(module), name)
    if path in sys.modules:
        monkeypatch.setitem(sys.modules, path, None)


@pytest.mark.parametrize("name", PRIVATE_USES)
def test_airflow_has_what_we_use_privately(name: str) -> None:
    find_private(name)  # its ImportError has the sentence


@pytest.mark.parametrize("name", PRIVATE_USES)
def test_a_missing_use_raises_a_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use = PRIVATE_USES[name]
    take_away(monkeypatch, use.path)
    told = re.escape(f"has no {use.path}. Needed by {' and '.join(use.used_by)}: ")
    with pytest.raises(ImportError, match=rf"^Airflow 3\.\S+ {told}"):
        find_private(name)


@pytest.mark.parametrize(("name", "part"), PARTS)
def test_a_missing_part_raises_a_sentence(name: str, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use = PRIVATE_USES[name]
    if use.path in sys.modules:
        take_away(monkeypatch, f"{use.path}.{part}")
    else:  # a class, since SQLAlchemy does not allow removing a column from a model
        monkeypatch.setattr(use.path, SimpleNamespace(**dict.fromkeys(set(use.parts) - {part})))
    with pytest.raises(ImportError, match=re.escape(f"has no {use.path}.{part}. Needed by ")):
        find_private(name)


def test_a_missing_module_raises_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    find_private("DagRun")
    take_away(monkeypatch, "airflow.models.dagrun")
    with pytest.raises(ImportError, match=r"has no airflow\.models\.dagrun\.DagRun\. Needed by pages\.airflow_runs"):
        find_private("DagRun")


def test_importing_a_missing_name_raises_that_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    take_away(monkeypatch, PRIVATE_USES["get_auth_manager"].path)
    monkeypatch.delitem(vars(compat), "get_auth_manager", raising=False)
    with pytest.raises(ImportError, match=r"has no airflow\.api_fastapi\.app\.get_auth_manager\. Needed by"):
        exec("from ci_operators.airflow_plugin.compat import get_auth_manager")  # noqa: S102 - an import statement


def test_permission_check_takes_what_we_pass() -> None:
    entity = find_private("DagAccessEntity").RUN
    inspect.signature(find_private("requires_access_dag")).bind("GET", entity)


def test_stored_connections_are_found_by_the_process_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the database's backend, the commands would not find Connections that were created in the UI."""
    monkeypatch.delenv("_AIRFLOW_PROCESS_CONTEXT", raising=False)
    find_backends = find_private("ensure_secrets_backend_loaded")
    assert "MetastoreBackend" not in {type(each).__name__ for each in find_backends()}
    read_stored_connections()
    asked = {type(each).__name__ for each in find_backends()}
    assert "MetastoreBackend" in asked, (
        "Airflow no longer reads _AIRFLOW_PROCESS_CONTEXT. Needed by __main__: commands read Connections from the "
        f"database. Airflow asks {', '.join(sorted(asked))}."
    )


def test_another_process_context_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")
    read_stored_connections()
    assert os.environ["_AIRFLOW_PROCESS_CONTEXT"] == "client"


def test_health_check_asks_for_columns_of_the_job_table() -> None:
    query = (ROOT / "deploy" / "job_alive.py").read_text(encoding="utf-8").split('"""')[3]
    job = find_private("Job")
    assert f"FROM {job.__tablename__}\n" in query
    asked = set(re.findall(r"[a-z_]+", query)) & set(job.__table__.columns.keys())
    assert asked == set(PRIVATE_USES["Job"].parts)


def test_list_says_where_each_is_used() -> None:
    places = {path.relative_to(PACKAGE): path for path in PACKAGE.glob("**/*.py")}
    users: dict[str, set[str]] = {}
    for place, path in places.items():
        for module, name in imports_of(path):
            if module in (compat.__name__, versions.__name__) and name in PRIVATE_USES:
                users.setdefault(name, set()).add(".".join(place.with_suffix("").parts))
    listed = {name: set(use.used_by) for name, use in PRIVATE_USES.items()}
    not_imported = {"Job": {"deploy/job_alive.py"}, "ensure_secrets_backend_loaded": {"__main__"}}
    assert listed == users | not_imported


def test_type_checker_sees_the_paths_that_are_imported() -> None:
    seen = {name: f"{module}.{name}" for module, name in imports_of(COMPAT) if module.startswith("airflow")}
    assert seen == {name: use.path for name, use in PRIVATE_USES.items() if name in seen}
    left = {"Job", "ensure_secrets_backend_loaded", "Stats"}  # no module imports the first two; `versions` the last
    assert set(PRIVATE_USES) - set(seen) == left


@on_newest
def test_every_other_import_of_airflow_is_public() -> None:
    private = {
        f"{path.relative_to(ROOT)}: {module} {name}"
        for path in modules_of_ours()
        for module, name in imports_of(path)
        if path not in (COMPAT, VERSIONS) and module.partition(".")[0] == "airflow" and not is_public(module, name)
    }
    assert not private, f"Import from {compat.__name__} what is not public, with a reason there."


def is_public(module: str, name: str) -> bool:
    """Return whether Airflow's documentation promises that an import stays."""
    return name in airflow.sdk.__all__ if module == "airflow.sdk" else name in PUBLIC.get(module, ())


@pytest.mark.parametrize(
    "line",
    [
        "import airflow",
        "import airflow.models",
        "from airflow.sdk import timezone",
        "from airflow.models.dag import DAG",
    ],
)
def test_a_private_import_is_recognized(line: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(f"def run():\n    {line}\n", encoding="utf-8")
    assert [is_public(*each) for each in imports_of(path)] == [False]


def test_no_other_module_tries_an_import() -> None:
    """The differences between versions of Airflow are in one place."""
    handlers = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules_of_ours()
        for node in ast.walk(parse(path))
        if path not in (COMPAT, VERSIONS)
        and isinstance(node, ast.ExceptHandler)
        and node.type
        and re.search(r"ImportError|ModuleNotFoundError", ast.unparse(node.type))
    ]
    assert not handlers


@on_newest
def test_no_class_overrides_a_private_method_of_airflow() -> None:
    for module in walk_packages([str(PACKAGE)], "ci_operators."):
        if ".migrations" not in module.name and module.name != "ci_operators.__main__":
            import_module(module.name)
    ours = [
        value
        for name, module in list(sys.modules.items())
        for value in vars(module).values()
        if name.startswith("ci_operators.") and isinstance(value, type) and value.__module__ == name
    ]
    assert {"VendorHook", "StageOperator", "UpdateFrequencyTimetable"} <= {each.__name__ for each in ours}
    assert not [overridden for each in ours for overridden in private_overrides(each)]


def private_overrides(ours: type) -> list[str]:
    """Return the private names of an Airflow class that one of our classes defines again."""
    bases = [base for base in ours.__mro__ if base.__module__.startswith("airflow.")]
    private = {name for base in bases for name, value in vars(base).items() if name[0] == "_" and callable(value)}
    return [f"{ours.__name__}.{name}" for name in sorted(private & set(vars(ours))) if name[:2] != "__"]
