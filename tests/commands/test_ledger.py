"""`ledger`: tables made and brought up to date by a command; an older or newer schema is one sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import URL, column, table, text

from ci_operators.ledger.access import make_engine
from ci_operators.ledger.version import NEEDED_VERSION, VERSION_TABLE
from tests.commands.conftest import Desk
from tests.ledger_database import airflow_connection

Connect = Callable[..., None]


def test_migrate_makes_the_tables_and_says_the_version(desk: Desk, empty_database: URL, connect: Connect) -> None:
    connect("collective_insights_ledger", airflow_connection(empty_database))
    printed = desk.run("ledger", "version", "--json")
    assert printed.status == 1
    assert printed.json[0]["version"] is None
    assert "run `python -m ci_operators ledger migrate`" in printed.json[0]["problem"]
    assert desk.run("status", "okta").status == 2
    for _ in range(2):  # the second time there is nothing to do
        printed = desk.run("ledger", "migrate", "--json")
        assert printed.status == 0
        assert printed.json == [
            {
                "connection": "collective_insights_ledger",
                "version": NEEDED_VERSION,
                "needed": NEEDED_VERSION,
                "problem": "",
            }
        ]
    printed = desk.run("ledger", "version")
    assert printed.status == 0
    assert "up to date" in printed.out


def test_another_connection_can_be_named(desk: Desk, empty_database: URL, connect: Connect) -> None:
    connect("ledger_emea", airflow_connection(empty_database))
    assert desk.run("ledger", "migrate", "--connection", "ledger_emea").status == 0
    assert desk.run("ledger", "version", "--connection", "ledger_emea").status == 0


@pytest.mark.parametrize("command", ["status okta", "explain x", "quarantine list", "ledger migrate"])
def test_a_newer_schema_is_refused_by_every_command(
    desk: Desk, empty_database: URL, connect: Connect, command: str
) -> None:
    engine = make_engine(empty_database)
    connect("collective_insights_ledger", airflow_connection(empty_database))
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) PRIMARY KEY)"))
        connection.execute(table(VERSION_TABLE, column("version_num")).insert().values(version_num="9999"))
    printed = desk.run(*command.split())
    assert (printed.status, printed.out) == (2, "")
    assert "is newer than this code" in printed.err
    assert printed.err.count("\n") == 1
    printed = desk.run("ledger", "version")
    assert printed.status == 1
    assert "9999" in printed.out


def test_no_connection_no_server_no_right(desk: Desk, connect: Connect) -> None:
    printed = desk.run("ledger", "migrate", "--connection", "ledger_nowhere")
    assert printed.status == 2
    assert "Connection ledger_nowhere does not exist" in printed.err
    dead = '{"conn_type": "postgres", "host": "127.0.0.1", "port": 9, "login": "x", "password": "ledger-password"}'
    connect("ledger_dead", dead)
    for action in ("migrate", "version"):
        printed = desk.run("ledger", action, "--connection", "ledger_dead")
        assert printed.status == 2
        assert printed.err.startswith("Connection ledger_dead: The ledger's database: ")
    connect("ledger_mysql", '{"conn_type": "mysql", "host": "127.0.0.1"}')
    printed = desk.run("ledger", "version", "--connection", "ledger_mysql")
    assert (printed.status, printed.err) == (2, "The ledger needs PostgreSQL, not mysql.\n")
