"""No query of the pages reads a large table from end to end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from benchmarks.filled_ledger import IMPORT, fill_ledger
from benchmarks.page_queries import OF_IMPORT, RECORDS, Named, list_queries
from sqlalchemy import URL, Connection, event

from ci_operators.ledger.access import make_engine, make_reader
from ci_operators.ledger.run_records import Picked, find_run_dropped
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


def walk(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all nodes of a plan."""
    yield plan
    for part in plan.get("Plans", []):
        yield from walk(part)


def scanned(plan: dict[str, Any]) -> set[str]:
    """Return the tables that a plan reads from end to end."""
    return {node["Relation Name"] for node in walk(plan) if node["Node Type"] == "Seq Scan"}


def count_read(plan: dict[str, Any]) -> int:
    """Return the number of rows and index entries that a plan has read, including discarded ones."""
    return sum(
        node["Actual Loops"]
        * (node["Actual Rows"] + sum(count for name, count in node.items() if name.startswith("Rows Removed by")))
        for node in walk(plan)
        if "Scan" in node["Node Type"]
    )


def explain(connection: Connection, query: Named, options: str = "") -> list[dict[str, Any]]:
    """Return the plans of the statements of a query."""
    found: list[dict[str, Any]] = []

    def ask_for_plan(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        cursor.execute(f"EXPLAIN (FORMAT JSON{options}) {statement}", parameters)
        (plans,) = cursor.fetchone()
        found.append((json.loads(plans) if isinstance(plans, str) else plans)[0]["Plan"])

    event.listen(connection, "before_cursor_execute", ask_for_plan)
    try:
        query.ask(connection)
    finally:
        event.remove(connection, "before_cursor_execute", ask_for_plan)
    return found


def find_scans(connection: Connection, query: Named) -> set[str]:
    """Return the tables that any statement of a query reads from end to end."""
    return set[str]().union(*map(scanned, explain(connection, query)))


def test_no_page_query_reads_a_large_table(reader: Connection) -> None:
    queries = list(list_queries(reader, datetime.now(UTC)))
    scans = {(query.name, query.case): find_scans(reader, query) & LARGE for query in queries}
    assert len(queries) > 30
    assert not {query: tables for query, tables in scans.items() if tables}


def test_a_scan_would_be_detected(reader: Connection) -> None:
    query = Named("", "", lambda connection: connection.exec_driver_sql("SELECT count(issue) FROM detection").all())
    assert find_scans(reader, query) == {"detection"}


def test_a_page_of_a_runs_records_reads_no_more_than_it_shows(reader: Connection) -> None:
    """This includes a run that dropped as many events as all other runs delivered."""
    queries = [query for query in list_queries(reader, datetime.now(UTC)) if query.name == RECORDS]
    plans = {query.case: explain(reader, query, ", ANALYZE") for query in queries}
    read = {case: sum(map(count_read, found)) for case, found in plans.items()}
    assert len(read) == 7
    assert max(read.values()) < 300, read
    used = {case: {node.get("Index Name") for plan in found for node in walk(plan)} for case, found in plans.items()}
    dropped = [indexes for case, indexes in used.items() if "dropped" in case]
    # Not the index of all keys: between two keys of the run there can be any number of others.
    assert len(dropped) == 3
    assert all("dropped_run" in indexes and "dropped_event_pkey" not in indexes for indexes in dropped), used
    assert len(find_run_dropped(reader, OF_IMPORT, IMPORT, ROWS + 1)) == ROWS, "the run is not as large as it should be"


def test_an_event_is_looked_up_in_the_index_of_keys(reader: Connection) -> None:
    queries = [query for query in list_queries(reader, datetime.now(UTC)) if query.name == "trail"]
    plans = {query.case: explain(reader, query) for query in queries}
    nodes = {case: [node for plan in found for node in walk(plan)] for case, found in plans.items()}
    used = {case: {node.get("Index Name") for node in found} for case, found in nodes.items()}
    assert len(used) == 2
    assert all("detection_pkey" in indexes for indexes in used.values()), used
    assert not any("detection_time" in indexes for indexes in used.values()), used


def test_rows_that_are_read_would_be_counted(reader: Connection) -> None:
    statement = "SELECT event_id FROM dropped_event WHERE reason = 'none' LIMIT 51"
    query = Named("", "", lambda connection: connection.exec_driver_sql(statement).all())
    assert sum(map(count_read, explain(reader, query, ", ANALYZE"))) >= ROWS


def test_only_the_requested_reason_is_read_in_a_large_run(reader: Connection) -> None:
    found = find_run_dropped(reader, OF_IMPORT, IMPORT, ROWS, picked=Picked(code="missing_actor"))
    assert {each.reason for each in found} == {"missing_actor"}
    assert len(found) == ROWS // 1000
