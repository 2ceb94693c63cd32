"""What `make quick` runs: the unit tests that need no Airflow, no database and no browser.

Three rules select them:
1. The folders in `SLOW_FOLDERS` are left out: they test what runs inside Airflow, or start servers. So are what takes
   minutes (`tests.side_by_side.LONGEST`) and the test of this selection.
2. Modules that import Airflow, also through others, are left out, and tests marked `imports_airflow`, which call it.
3. A test that uses PostgreSQL (the fixture `postgres_url`, also through other fixtures) is left out.

A new folder belongs to the selection. If a test of the selection imports Airflow, it fails
("'airflow' is not a package"): mark it, or add its folder to rule 1.
`make quick T=NAME` runs those of them that match pytest's -k. `make quick T=PATH` runs all tests of a folder or file,
or the one of `file.py::test_name`, whatever it needs.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import settings

from tests.side_by_side import is_long

SLOW_FOLDERS = (
    "airflow_plugin",
    "compose",
    "dags",
    "end_to_end",
    "faults",
    "fuzz",
    "hooks",
    "local_airflow",
    "operators",
    "package",
    "pages",
    "timetables",
)
_DATABASE = "postgres_url"
_MARK = "imports_airflow"
_IMPORTS_AIRFLOW = re.compile(r"^\s*(?:from|import) airflow\b", re.MULTILINE)
_AT_ONCE = re.compile(r"^(?:from|import) (airflow|tests\.[\w.]+)", re.MULTILINE)
_TESTS = Path(__file__).parent


def pytest_configure() -> None:
    """Block the import of Airflow, which takes seconds, and try a fifth of Hypothesis' usual number of examples."""
    settings.register_profile("quick", settings.get_profile("repeatable"), max_examples=20)
    settings.load_profile("quick")
    sys.modules["airflow"] = None  # type: ignore[assignment]  # so the import statement refuses it


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out folders and modules that need Airflow."""
    if collection_path.is_dir():
        return True if collection_path.parent == _TESTS and collection_path.name in SLOW_FOLDERS else None
    if not collection_path.match("test_*.py"):
        return None
    imports = _IMPORTS_AIRFLOW.search(collection_path.read_text(encoding="utf-8"))
    is_slow = is_long(PurePosixPath(collection_path)) or collection_path.name == "test_quick.py"
    return True if imports or is_slow or _loads_airflow(collection_path) else None


@cache
def _loads_airflow(path: Path) -> bool:
    names = _AT_ONCE.findall(path.read_text(encoding="utf-8"))
    others = (_TESTS.parent / f"{name.replace('.', '/')}.py" for name in names)
    return "airflow" in names or any(map(_loads_airflow, filter(Path.is_file, others)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that use a database or call code that imports Airflow."""
    slow = [item for item in items if _DATABASE in getattr(item, "fixturenames", ()) or item.get_closest_marker(_MARK)]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in set(slow)]
