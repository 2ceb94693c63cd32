"""A migration while others use the ledger: it waits, or names the users, and nothing is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import URL, Connection, Engine, text

from ci_operators.core.errors import LedgerError, RetriableError
from ci_operators.ledger import standstill, version
from ci_operators.ledger.access import make_engine, make_reader
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.schema import migrate
from ci_operators.ledger.standstill import become_the_only_migration, stand_still
from ci_operators.ledger.version import NEEDED_VERSION, read_version
from tests.ledger.old_ledger import OldRun, migrate_to
from tests.ledger.rollups import check_rollups, read_rollup
from tests.ledger.samples import rows
from tests.ledger.waiters import wait_until_somebody_waits


@pytest.fixture
def old(empty_database: URL, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A ledger of the first version, with data; the code of its runs has that version too."""
    monkeypatch.setattr(version, "NEEDED_VERSION", "0001")
    engine = make_engine(empty_database)
    migrate_to(engine, "0001")
    with engine.connect() as connection:
        for number in range(10_000, 12_000, 50):
            OldRun(connection).deliver(rows(range(number, number + 50)))
    return engine


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standstill, "PATIENCE_S", 1)
    monkeypatch.setattr(standstill, "TABLE_PATIENCE_S", 1)


def version_of(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return read_version(connection)


class Run:
    """A run that submits one batch after the other in a thread, until it is stopped."""

    def __init__(self, engine: Engine) -> None:
        self.accepted = 0
        self._engine = engine
        self._begun, self._end = threading.Event(), threading.Event()

    def __enter__(self) -> Run:
        self._pool = ThreadPoolExecutor(1)
        self._done: Future[None] = self._pool.submit(self._submit)
        assert self._begun.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._pool.shutdown()

    def _submit(self) -> None:
        with self._engine.connect() as connection:
            run = OldRun(connection)
            run.lock()
            self._begun.set()
            while not self._end.is_set():
                run.deliver(rows(range(self.accepted, self.accepted + 5)))
                self.accepted += 5

    def wait_for_more(self) -> None:
        """Wait until it has delivered something new."""
        before = self.accepted
        for _ in range(500):
            if self.accepted > before + 5:
                return
            time.sleep(0.02)
        raise AssertionError("the run stands still")

    def end(self) -> None:
        """Stop it and raise its error, if any."""
        self._end.set()
        self._done.result(30)


def wait_for_a_waiter(engine: Engine) -> None:
    with engine.connect() as connection:
        wait_until_somebody_waits(connection)


def test_the_migration_waits_for_a_run_without_blocking_it(old: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadPoolExecutor(1) as pool, Run(old) as run:
        run.wait_for_more()
        migrated = pool.submit(migrate, old)
        wait_for_a_waiter(old)
        run.wait_for_more()
        assert not migrated.done()
        run.end()
        assert migrated.result(60) == NEEDED_VERSION
    with old.connect() as connection:
        check_rollups(connection)
        found = read_rollup(connection, "delivered_day")
        assert sum(count for (_, code, _), count in found.items() if code == "*") == 2000 + run.accepted
        monkeypatch.setattr(version, "NEEDED_VERSION", NEEDED_VERSION)
        Deliveries(connection, "acme", "after", "rf").lock()


@pytest.mark.usefixtures("hasty")
def test_a_run_that_continues_is_named_and_nothing_changes(old: Engine) -> None:
    with Run(old) as run:
        with pytest.raises(LedgerError, match=r"^A run of acme is submitting, .* Nothing has been changed: run"):
            migrate(old)
        run.wait_for_more()
        assert version_of(old) == "0001"
    assert migrate(old) == NEEDED_VERSION


@pytest.fixture
def backup(old: Engine) -> Iterator[Connection]:
    """A reader that has begun to read the detections, and continues."""
    with old.connect() as connection:
        connection.execute(text("SET application_name = 'pg_dump'"))
        connection.execute(text("SELECT count(*) FROM detection"))
        yield connection


@pytest.mark.usefixtures("hasty")
def test_a_long_reader_is_named_before_the_migration_begins(old: Engine, backup: Connection) -> None:
    words = r"^The ledger is in use: pg_dump \(user \w+, process \d+\) at table detection\w* did not end within 1 s\. "
    with pytest.raises(LedgerError, match=words + "Nothing has been changed: run this again when no backup"):
        migrate(old)
    assert version_of(old) == "0001"
    with Run(old) as run:
        run.wait_for_more()
    backup.rollback()
    assert migrate(old) == NEEDED_VERSION
    with old.connect() as connection:
        check_rollups(connection)


def test_a_run_continues_after_a_migration_gives_up(
    old: Engine, backup: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that begins while the migration waits is refused, since another one submits, and sends nothing."""
    monkeypatch.setattr(standstill, "TABLE_PATIENCE_S", 3)
    with ThreadPoolExecutor(1) as pool, old.connect() as connection:
        migrated = pool.submit(migrate, old)
        wait_for_a_waiter(old)
        with pytest.raises(RetriableError, match="Another run of acme is submitting"):
            Deliveries(connection, "acme", "run", "rf").lock()
        assert isinstance(migrated.exception(60), LedgerError)
        run = OldRun(connection)
        run.lock()
        run.deliver(rows(range(3)))
    backup.rollback()


def test_a_run_that_starts_during_the_migration_is_refused(old: Engine, empty_database: URL) -> None:
    reader = make_reader(empty_database)
    with old.begin() as connection:
        stand_still(connection)
        with old.connect() as other:
            with pytest.raises(RetriableError, match="Another run of acme is submitting"):
                Deliveries(other, "acme", "run", "rf").lock()
            for table in ("detection", "batch", "dropped_event", "quarantine", "stage_run", "waiting", "budget"):
                with pytest.raises(Exception, match="could not obtain lock"), other.begin():
                    other.execute(text(f"LOCK TABLE {table} IN ACCESS SHARE MODE NOWAIT"))
        with reader.connect() as other:
            assert read_version(other) == "0001"
    reader.dispose()


@pytest.mark.usefixtures("hasty")
def test_another_long_migration_is_reported(old: Engine) -> None:
    with old.begin() as connection:
        become_the_only_migration(connection)
        with pytest.raises(LedgerError, match=r"^Another program is migrating the ledger: run this again"):
            migrate(old)


def test_another_error_is_passed_on(old: Engine) -> None:
    with old.begin() as connection:
        connection.execute(text("SET LOCAL search_path = pg_catalog"))
        with pytest.raises(Exception, match='relation "connector" does not exist'):
            stand_still(connection)


@pytest.mark.usefixtures("hasty")
def test_migrating_a_current_ledger_blocks_no_run(old: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(old)
    monkeypatch.setattr(version, "NEEDED_VERSION", NEEDED_VERSION)
    with Run(old) as run:
        assert migrate(old) == NEEDED_VERSION
        run.wait_for_more()
