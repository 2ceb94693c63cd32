"""The current connectors file and its ledgers, read-only."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import InternalError

from ci_operators.core.errors import ConfigurationError
from ci_operators.pages.configuration import current_file, open_reader

LEDGER = "collective_insights_ledger"


def test_file_is_read_once_until_it_changes(connectors_file: Path) -> None:
    first = current_file()
    assert current_file() is first
    connectors_file.write_text("connectors: []")
    assert current_file().connectors == []


def test_missing_file_is_reported_with_the_fix(connectors_file: Path) -> None:
    connectors_file.unlink()
    with pytest.raises(ConfigurationError, match="The API server cannot read the connectors file"):
        current_file()


def test_pages_cannot_write(ledger: Connection) -> None:
    del ledger
    with open_reader(LEDGER) as connection, pytest.raises(InternalError, match="read-only"):
        connection.execute(text("DELETE FROM connector"))


def test_missing_connection_is_named() -> None:
    with pytest.raises(ConfigurationError, match=f"{LEDGER} does not exist"), open_reader(LEDGER):
        pass
