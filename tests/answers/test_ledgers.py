"""Which ledgers a question is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ci_operators.answers.ledgers import NoLedgerError, ask_each, group_by_ledger, open_ledger
from ci_operators.core.errors import ConfigurationError
from tests.answers.staged_run import OKTA, S1
from tests.commands.conftest import Desk


def test_connectors_are_grouped_by_their_ledger() -> None:
    other = OKTA.model_copy(update={"name": "b", "ledger_conn_id": "other"})
    assert group_by_ledger([OKTA, other, S1]) == {"collective_insights_ledger": [OKTA, S1], "other": [other]}
    assert group_by_ledger([]) == {}


def test_a_ledger_is_opened_by_its_connection(desk: Desk, connect: Callable[..., None]) -> None:
    with open_ledger("collective_insights_ledger") as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    with pytest.raises(ConfigurationError, match="does not exist"), open_ledger("nowhere"):
        pass
    connect("away", '{"conn_type": "postgres", "host": "127.0.0.1", "port": 9}')
    with pytest.raises(NoLedgerError, match="Connection away: The ledger's database"), open_ledger("away"):
        pass


def test_each_ledger_is_asked_once_and_a_needed_one_that_fails_is_reported() -> None:
    @contextmanager
    def open_by(conn_id: str) -> Iterator[Any]:
        if conn_id == "away":
            raise NoLedgerError("It is away.")
        yield conn_id

    away = OKTA.model_copy(update={"ledger_conn_id": "away"})
    asked = [OKTA, S1, away]
    answers, errors = ask_each(asked, open_by, lambda connection, group: (connection, [each.name for each in group]))
    assert [names for _, names in answers] == [["okta-acme", "s1-acme"]]
    assert [str(error) for error in errors] == ["It is away."]
    dry = away.model_copy(update={"debug": True})
    assert ask_each([dry], open_by, lambda connection, group: None) == ([], [])
