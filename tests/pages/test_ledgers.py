"""The ledgers, for reading."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import InternalError

from ci_operators.core.errors import ConfigurationError
from ci_operators.pages.configuration import current_file
from ci_operators.pages.ledgers import Ledgers, open_reader

LEDGER = "collective_insights_ledger"
TWO = """
connectors:
  - {name: okta, source: okta, debug: false}
  - {name: other, source: okta, debug: false, ledger_conn_id: other_ledger}
"""


def test_pages_cannot_write(ledger: Connection) -> None:
    del ledger
    with open_reader(LEDGER) as connection, pytest.raises(InternalError, match="read-only"):
        connection.execute(text("DELETE FROM connector"))


def test_each_ledger_is_read_once(ledger: Connection, connectors_file: Path) -> None:
    del ledger, connectors_file
    ledgers = Ledgers(current_file(), ["okta", "sentinelone", "gone"])
    assert len(list(ledgers.read_each())) == 1
    assert ledgers.problems == []


def test_ledger_that_fails_takes_no_other_down(ledger: Connection, connectors_file: Path) -> None:
    del ledger
    connectors_file.write_text(TWO)
    ledgers = Ledgers(current_file(), ["okta", "other"])
    assert len(list(ledgers.read_each())) == 1
    (problem,) = ledgers.problems
    assert "other_ledger does not exist" in problem


def test_connectors_that_only_check_need_no_ledger(connectors_file: Path) -> None:
    connectors_file.write_text("connectors: [{name: trial, source: okta}]")
    ledgers = Ledgers(current_file(), ["trial"])
    assert list(ledgers.read_each()) == []
    assert ledgers.problems == []


@pytest.mark.parametrize(("names", "read", "told"), [(["okta"], 1, 0), (["other"], 0, 1), (["okta", "gone"], 1, 0)])
def test_only_ledgers_of_the_connectors_asked_for_are_told_of(
    ledger: Connection, connectors_file: Path, names: list[str], read: int, told: int
) -> None:
    del ledger
    connectors_file.write_text(TWO)
    ledgers = Ledgers(current_file(), names)
    assert len(list(ledgers.read_each())) == read
    assert len(ledgers.problems) == told


def test_missing_connection_is_named() -> None:
    with pytest.raises(ConfigurationError, match=f"{LEDGER} does not exist"), open_reader(LEDGER):
        pass
