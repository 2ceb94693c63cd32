"""COPY stores every text and returns it unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from ci_operators.core.errors import LedgerError
from ci_operators.ledger.access import speak_plainly
from ci_operators.ledger.bulk import copy_rows

ODD = [
    "", " ", "\\", "\\N", "\\.", "\t", "a\tb", "a\nb", "a\r\nb", "\b\f\v", "\x7f", "'", '"', "{", "}", "{}", ",",
    "NULL", "null", "\\x00", "\\t", "Zoë", "日本語", "\N{FIRE}", "e\N{COMBINING ACUTE ACCENT}",
    "\N{RIGHT-TO-LEFT OVERRIDE}x",
]  # fmt: skip


@pytest.fixture
def table(ledger_engine: Engine) -> Iterator[Connection]:
    """A connection within a transaction that has a table of all kinds of columns."""
    with ledger_engine.connect() as connection, connection.begin():
        connection.execute(text("CREATE TEMP TABLE kinds (number int, word text, bytes bytea, words text[])"))
        yield connection


def copied(connection: Connection, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return rows after a round trip."""
    connection.execute(text("TRUNCATE kinds"))
    copy_rows(connection, "kinds", ("number", "word", "bytes", "words"), rows)
    found = connection.execute(text("SELECT number, word, bytes, words FROM kinds ORDER BY number"))
    return [(number, word, None if data is None else bytes(data), words) for number, word, data, words in found]


def test_odd_texts_come_back_as_they_were(table: Connection) -> None:
    rows = [(number, word, word.encode(), [word, "plain", word]) for number, word in enumerate(ODD)]
    assert copied(table, rows) == rows


def test_null_and_an_empty_array_are_distinct(table: Connection) -> None:
    rows: list[tuple[Any, ...]] = [(1, None, None, None), (2, "", b"", [])]
    assert copied(table, rows) == rows


def test_a_megabyte_comes_back_as_it_was(table: Connection) -> None:
    word = "\\ \t\N{FIRE}" * 150_000
    assert copied(table, [(1, word, word.encode(), [word])]) == [(1, word, word.encode(), [word])]


def test_nul_is_replaced(table: Connection) -> None:
    assert copied(table, [(1, "a\0b", b"a\0b", ["\0"])]) == [(1, "ab", b"a\0b", [""])]


def test_copying_no_rows_is_allowed(table: Connection) -> None:
    assert copied(table, []) == []


def test_any_text_comes_back(table: Connection) -> None:
    words = st.text(st.characters(codec="utf-8", exclude_characters="\0"))

    @settings(max_examples=200)
    @given(st.lists(st.tuples(words, st.binary(), st.lists(words, max_size=3)), max_size=5))
    def check(found: list[tuple[str, bytes, list[str]]]) -> None:
        rows = [(number, *row) for number, row in enumerate(found)]
        assert copied(table, rows) == rows

    check()


def test_a_value_that_does_not_fit_is_reported_without_it(table: Connection) -> None:
    with pytest.raises(LedgerError) as caught, speak_plainly():
        copied(table, [("no number", "secret-word", b"", [])])
    assert str(caught.value) == "The ledger's database: it refuses a value (SQLSTATE 22P02)."
    assert caught.value.__cause__ is None
