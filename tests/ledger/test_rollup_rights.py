"""Figures of pages and the rights of roles: writers of detections need no right on them, and cannot misuse theirs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import URL, Engine, text

from ci_operators.core.errors import LedgerError
from ci_operators.ledger.access import make_engine, speak_plainly
from ci_operators.ledger.compaction import forget_days
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.history import History
from ci_operators.ledger.overview import find_open
from ci_operators.ledger.schema import migrate
from tests.ledger.old_ledger import migrate_to
from tests.ledger.rollups import check_rollups, read_rollup
from tests.ledger.samples import refuse, rows
from tests.ledger.test_rollups import MUCH, manifest


@pytest.fixture
def worker(empty_database: URL) -> Iterator[Engine]:
    """A role with all rights on the tables of the first ledger version, which has been migrated since."""
    role = f"ledger_worker_{uuid.uuid4().hex[:12]}"
    owner = make_engine(empty_database)
    migrate_to(owner, "0001")
    with owner.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"))
    migrate(owner)
    yield make_engine(empty_database.set(username=role))
    with owner.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))


def test_a_role_with_rights_on_the_first_tables_may_go_on(worker: Engine, empty_database: URL) -> None:
    with worker.connect() as connection:
        deliveries = Deliveries(connection, "acme", "run", "rf").lock()
        first, second = deliveries.plan([rows(range(3)), rows(range(3, 5))], [])
        assert deliveries.reserve([first], MUCH)
        deliveries.accept([first])
        deliveries.put_off(second)
        History(connection, "acme", "run", "filter").add_run(manifest(), "scheduled")
        assert find_open(connection, 1).waiting == 2
        assert forget_days(connection, datetime.now(UTC)) == 0
        with pytest.raises(LedgerError, match="permission denied for table delivered_day"), speak_plainly():
            connection.execute(text("UPDATE delivered_day SET detections = 0"))
    with make_engine(empty_database).connect() as connection:
        check_rollups(connection)


def test_a_writer_needs_no_right_on_the_figures(worker: Engine, empty_database: URL) -> None:
    owner = make_engine(empty_database)
    with owner.begin() as connection:
        connection.execute(text(f"REVOKE ALL ON delivered_day, stage_day, waiting_count FROM {worker.url.username}"))
    with worker.connect() as connection:
        deliveries = Deliveries(connection, "acme", "run", "rf").lock()
        first, second = deliveries.plan([rows(range(3)), rows(range(3, 5))], [])
        deliveries.accept([first])
        refuse(deliveries, first.rows[:1], "no")
        deliveries.put_off(second)
        deliveries.forget_waiting(second.rows[:1])
        for dropped in ({"a": 1}, {"b": 2}):
            History(connection, "acme", "run", "filter").add_run(manifest(dropped=dropped), "scheduled")
    with owner.connect() as connection:
        check_rollups(connection)
        assert set(read_rollup(connection, "waiting_count").values()) == {1}


@pytest.mark.parametrize("place", ["pg_temp", "mine"])
def test_a_writer_cannot_replace_the_figures_by_another_table(place: str, worker: Engine, empty_database: URL) -> None:
    """The functions run with the rights of the ledger's owner."""
    with make_engine(empty_database).begin() as connection:
        connection.execute(text(f"CREATE SCHEMA mine AUTHORIZATION {worker.url.username}"))
    with worker.connect() as connection:
        with connection.begin():
            connection.execute(text(f"CREATE TABLE {place}.delivered_day (LIKE public.delivered_day INCLUDING ALL)"))
            connection.execute(text("SET SESSION search_path = pg_temp, mine, public"))
        deliveries = Deliveries(connection, "acme", "run", "rf").lock()
        deliveries.accept([deliveries.plan([rows(range(3))], [])[0]])
        assert connection.scalar(text(f"SELECT count(*) FROM {place}.delivered_day")) == 0  # noqa: S608 - two names
        connection.execute(text("CREATE TEMP TABLE waits (LIKE public.waiting)"))
        with pytest.raises(LedgerError, match="permission denied for function"), speak_plainly():
            connection.execute(_BIND)
    with make_engine(empty_database).connect() as connection:
        check_rollups(connection)


_BIND = text(
    """
    CREATE TRIGGER t AFTER INSERT ON waits REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION public.count_new_waiting()
    """
)
