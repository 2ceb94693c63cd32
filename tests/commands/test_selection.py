"""The selection of connectors, ledgers and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ci_operators.commands.selection import choose_connectors, load_one, pick_connectors, read_moment
from ci_operators.connectors_file import VARIABLE, load_connectors
from ci_operators.core.errors import ConfigurationError

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
FILE = """
connectors:
  - {name: a, source: okta}
  - {name: b, source: okta, ledger_conn_id: other}
  - {name: c, source: sentinelone}
"""


@pytest.fixture(autouse=True)
def connectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "connectors.yaml"
    path.write_text(FILE, encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def test_connectors_are_chosen_by_name() -> None:
    found = load_connectors()
    assert [each.name for each in choose_connectors(found, [])] == ["a", "b", "c"]
    assert [each.name for each in choose_connectors(found, ["c", "a"])] == ["a", "c"]
    assert load_one("b")[1].name == "b"
    with pytest.raises(ConfigurationError, match=r"has no connector x, y\. It has: a, b, c"):
        choose_connectors(found, ["y", "x"])


def test_a_file_without_connectors_is_wrong_use(connectors: Path) -> None:
    connectors.write_text("connectors: []\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="has no connector"):
        choose_connectors(load_connectors(), [])
    with pytest.raises(ConfigurationError, match=r"The connectors file has no connector a. It has: none\."):
        pick_connectors(load_connectors(), ["a"])
    assert pick_connectors(load_connectors(), []) == []


def test_times_are_read() -> None:
    assert read_moment("--since", None, NOW) is None
    assert read_moment("--since", "2 hours", NOW) == NOW - timedelta(hours=2)
    assert read_moment("--since", "2026-03-10T13:00:00+01:00", NOW) == NOW
    for wrong in ("2026-03-10T12:00:00", "soon"):
        with pytest.raises(ConfigurationError, match="--since"):
            read_moment("--since", wrong, NOW)
