"""No query of the pages reads a large table from end to end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from benchmarks.filled_ledger import fill_ledger
from benchmarks.page_queries import Named, list_queries
from sqlalchemy import URL, Connection, event

from ci_operators.ledger.access import make_engine, make_reader
from ci_operators.ledger.schema import migrate
from tests.ledger_database import new_database

ROWS = 50_000
#: Tables that grow with every detection, event or run.
LARGE = {"detection", "stage_run", "dropped_event", "waiting", "quarantine"}


@pytest.fixture(scope="module")
def filled(postgres_url: URL) -> Iterator[URL]:
    """A ledger with many rows."""
    with new_database(postgres_url) as url:
        migrate(make_engine(url))
        fill_ledger(make_engine(url), ROWS, datetime.now(UTC))
        yield url


@pytest.fixture
def reader(filled: URL) -> Iterator[Connection]:
    engine = make_reader(filled)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def scanned(plan: dict[str, Any]) -> set[str]:
    """Return the tables that a plan reads from end to end."""
    found = {plan["Relation Name"]} if plan["Node Type"] == "Seq Scan" else set()
    return found.union(*map(scanned, plan.get("Plans", [])))


def find_scans(connection: Connection, query: Named) -> set[str]:
    """Return the tables that any statement of a query reads from end to end."""
    found: set[str] = set()

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        (plans,) = cursor.fetchone()
        found.update(scanned((json.loads(plans) if isinstance(plans, str) else plans)[0]["Plan"]))

    event.listen(connection, "before_cursor_execute", explain)
    try:
        query.ask(connection)
    finally:
        event.remove(connection, "before_cursor_execute", explain)
    return found


def test_no_page_query_reads_a_large_table(reader: Connection) -> None:
    queries = list(list_queries(reader, datetime.now(UTC)))
    scans = {(query.name, query.case): find_scans(reader, query) & LARGE for query in queries}
    assert len(queries) > 30
    assert not {query: tables for query, tables in scans.items() if tables}


def test_a_scan_would_be_seen(reader: Connection) -> None:
    query = Named("", "", lambda connection: connection.exec_driver_sql("SELECT count(issue) FROM detection").all())
    assert find_scans(reader, query) == {"detection"}
