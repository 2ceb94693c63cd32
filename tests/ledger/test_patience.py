"""Each lock has its own timeout."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from ci_operators.ledger.patience import has_got

_LOCK = text("SELECT pg_advisory_lock(:lock)")


def test_a_free_lock_is_taken_and_kept(ledger_engine: Engine) -> None:
    with ledger_engine.connect() as ours, ledger_engine.connect() as theirs:
        with ours.begin():
            assert has_got(ours, _LOCK, 1, lock=7)
        with theirs.begin():
            assert not has_got(theirs, _LOCK, 1, lock=7)
            assert theirs.scalar(text("SELECT 1")) == 1  # the transaction continues


def test_the_next_statement_waits_as_usual(ledger_engine: Engine) -> None:
    with ledger_engine.connect() as connection, connection.begin():
        before = connection.scalar(text("SHOW lock_timeout"))
        assert has_got(connection, _LOCK, 1, lock=8)
        assert connection.scalar(text("SHOW lock_timeout")) == before == "1min"


def test_any_other_error_is_raised(ledger_engine: Engine) -> None:
    with ledger_engine.connect() as connection, connection.begin(), pytest.raises(DBAPIError, match="no_such_table"):
        has_got(connection, text("LOCK TABLE no_such_table"), 1)
