"""`ledger`: a command creates and updates the tables; an older or newer schema is one error sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import URL, column, table, text

from ci_operators.ledger.access import make_engine
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.version import NEEDED_VERSION, VERSION_TABLE
from tests.commands.conftest import FILE, Desk, stored_ids
from tests.ledger.delivered import plan_batch
from tests.ledger_database import airflow_connection

Connect = Callable[..., None]


def test_migrate_creates_the_tables_and_prints_the_version(desk: Desk, empty_database: URL, connect: Connect) -> None:
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


def test_a_missing_connection_or_wrong_server_is_a_sentence(desk: Desk, connect: Connect) -> None:
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


class TestHandOver:
    def rename(self, desk: Desk, old: str, new: str) -> None:
        desk.edit_file(f"name: {old},", f"name: {new}, source_conn_id: okta_default,")

    def test_a_renamed_connector_sends_pending_detections_once(self, desk: Desk) -> None:
        desk.add_okta_events(1, 2)
        desk.deliver()
        with desk.connection.engine.connect() as run:
            deliveries, batch = plan_batch(run, 7)
            deliveries.put_off(batch)
        self.rename(desk, "okta", "okta-emea")
        assert "ledger hand-over okta NEW" in desk.run("status").out
        printed = desk.run("ledger", "hand-over", "okta", "okta-emea")
        assert printed.status == 0
        assert printed.out == (
            "okta-emea took over 3 detections of okta, of which 1 wait for the next run, and 0 open quarantined "
            "records.\n"
        )
        assert desk.run("status").status == 0
        desk.add_okta_events(3)
        desk.deliver("okta-emea", "scheduled__9")
        assert stored_ids(desk.simulator) == ["event-0001", "event-0002", "event-0003", "event-7"]

    def test_a_connector_in_the_file_is_not_handed_over_even_if_wrong(self, desk: Desk) -> None:
        desk.add_okta_events(1)
        desk.deliver()
        path = desk.folder / "connectors.yaml"
        for entry in ("name: okta, overlap: never,", "name: okta,"):
            path.write_text(FILE.replace("name: okta,", entry))
            printed = desk.run("ledger", "hand-over", "okta", "s1")
            assert (printed.status, printed.out) == (2, "")
            assert "okta is still in the connectors file" in printed.err

    def test_unknown_names_are_one_sentence(self, desk: Desk) -> None:
        desk.add_okta_events(1)
        desk.deliver()
        self.rename(desk, "okta", "okta-emea")
        printed = desk.run("ledger", "hand-over", "octa", "okta-emea")
        assert (printed.status, printed.err) == (
            2,
            "The ledger of okta-emea has no connector octa. Besides those in the file it has: okta.\n",
        )
        assert desk.run("ledger", "hand-over", "okta", "nobody").status == 2

    def test_a_run_that_submits_is_waited_for(self, desk: Desk) -> None:
        desk.add_okta_events(1)
        desk.deliver()
        self.rename(desk, "okta", "okta-emea")
        with desk.connection.engine.connect() as other:
            Deliveries(other, "okta-emea", "run", "rf").lock()
            printed = desk.run("ledger", "hand-over", "okta", "okta-emea")
        assert printed.status == 1
        assert "Another run of okta-emea is submitting" in printed.err
