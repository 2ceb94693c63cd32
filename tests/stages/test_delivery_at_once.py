"""Several runs deliver at once, and the ledger goes away under them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sqlalchemy import URL, Engine, text

from ci_operators.core.errors import (
    ConfigurationError,
    RetriableError,
    UnavailableError,
)
from ci_operators.ledger.access import make_engine, open_connection
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.version import NEEDED_VERSION
from ci_operators.stages.delivery import Rules, deliver_once
from ci_operators.stages.run import StageResult, Terms
from ci_operators.stages.stored import look_up_with
from ci_operators.transport.client import Client
from tests.faults.line import UNLIMITED, check_staging, expected, stored
from tests.ledger.outage import throw_out
from tests.ledger.samples import detections, stage
from tests.ledger.waiters import wait_until_somebody_waits
from tests.stages.desk import Desk
from tests.vendor_cases import LIVE

CALLS = ("lock", "recover", "find", "plan", "reserve", "accept", "take_waiting", "count_resent")


class TestAtOnce:
    """Several processes, one ledger."""

    def test_a_second_run_waits_for_the_first(self, desk: Desk) -> None:
        with open_connection(desk.engine) as connection:
            Deliveries(connection, "acme", "other", "rf").lock()
            with pytest.raises(RetriableError, match="Another run of acme is submitting"):
                desk.deliver(detections(range(2)))
            assert desk.deliver(detections(range(2)), connector="globex").extra["accepted"] == 2
        assert desk.deliver(detections(range(2))).extra["accepted"] == 2

    def test_a_patient_run_goes_on_when_the_first_has_ended(self, desk: Desk) -> None:
        """A live run beside a backfill need not come again later, and find another one there."""
        desk.lock_patience_s = 60
        with open_connection(desk.engine) as connection, ThreadPoolExecutor() as pool:
            Deliveries(connection, "acme", "other", "rf").lock()
            found = pool.submit(desk.deliver, detections(range(2)))
            wait_until_somebody_waits(connection)
            assert not found.done()
            connection.close()
            assert found.result(60).extra["accepted"] == 2

    def test_what_waited_for_a_migration_does_not_send_by_the_schema_before_it(self, desk: Desk) -> None:
        desk.lock_patience_s = 60
        with open_connection(desk.engine) as connection, ThreadPoolExecutor() as pool:
            Deliveries(connection, "acme", "migration", "rf").lock()
            found = pool.submit(desk.deliver, detections(range(2)))
            wait_until_somebody_waits(connection)
            try:
                with connection.begin():
                    connection.execute(text("UPDATE ledger_version SET version_num = '9999'"))
                connection.close()
                with pytest.raises(ConfigurationError, match=r"\(9999\) is newer than this code's"):
                    found.result(60)
            finally:
                with desk.engine.begin() as other:
                    other.execute(text("UPDATE ledger_version SET version_num = :needed"), {"needed": NEEDED_VERSION})
        assert desk.ids == []

    @pytest.mark.parametrize("patience_s", [0, 60])
    def test_runs_at_once_send_each_detection_once(self, desk: Desk, patience_s: int) -> None:
        """Four runs of one connector over overlapping windows, each tried again until it is through."""
        desk.lock_patience_s = patience_s
        windows = [range(0, 20), range(10, 30), range(0, 30), range(25, 40)]
        found = self._run_at_once(desk, [("acme", window) for window in windows])
        assert sum(result.extra["accepted"] for result in found) == 40
        assert stored(desk.vendors.detections) == expected(detections(range(40)))

    def test_connectors_at_once_share_the_budget(self, desk: Desk) -> None:
        desk.allowed = desk.allowed_for_waiting = 20
        found = self._run_at_once(desk, [(f"connector-{number}", range(12)) for number in range(4)])
        accepted = sum(result.extra["accepted"] for result in found)
        assert accepted == len(desk.ids) <= 20
        assert accepted + sum(result.extra["waiting"] for result in found) == 48
        assert accepted > 20 - desk.batch_size

    def _run_at_once(self, desk: Desk, orders: list[tuple[str, range]]) -> list[StageResult]:
        begin, found = threading.Barrier(len(orders)), list[StageResult | BaseException]()

        def work(number: int, connector: str, window: range) -> None:
            own = Desk(desk.engine, desk.folder / str(number), desk.client, desk.vendors, desk.time)
            own.allowed, own.allowed_for_waiting = desk.allowed, desk.allowed_for_waiting
            own.lock_patience_s = desk.lock_patience_s
            begin.wait(30)
            with requests.Session() as session:
                client = LIVE.connect(desk.vendors.url, session, desk.time)
                try:
                    found.append(self._until_it_is_through(own, connector, window, client))
                except BaseException as err:
                    found.append(err)

        threads = [threading.Thread(target=work, args=(number, *order)) for number, order in enumerate(orders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        results = [result for result in found if isinstance(result, StageResult)]
        assert len(results) == len(orders), found
        return results

    def _until_it_is_through(self, desk: Desk, connector: str, window: range, client: Client) -> StageResult:
        while True:
            try:
                return desk.deliver(detections(window), connector=connector, client=client)
            except RetriableError as err:
                if "is submitting" not in str(err):
                    raise


class TestLedgerAway:
    """The database goes in between: nothing is sent that it does not know of."""

    @pytest.mark.parametrize("after", range(1, 12))
    def test_wherever_it_goes_the_next_try_is_exact(self, after: int, desk: Desk, ledger_url: URL) -> None:
        calls = 0

        class Fragile(Deliveries):
            """Loses its connection before one of its calls."""

            def __getattribute__(self, name: str) -> Any:
                nonlocal calls
                if name in CALLS:
                    calls += 1
                    if calls == after:
                        throw_out(ledger_url)
                return super().__getattribute__(name)

        def deliver(kind: Callable[..., Deliveries], engine: Engine) -> StageResult:
            folder = desk.folder / "run"
            rules = Rules(Terms((), 3), "resend", UNLIMITED, UNLIMITED)
            with open_connection(engine) as connection:
                deliveries = kind(connection, "acme", "run", "rf")
                source = stage(folder, detections(range(9)))
                return deliver_once(desk.client, source, folder, rules, deliveries, look_up_with(desk.client))

        with pytest.raises(UnavailableError, match="The ledger's database: "):
            deliver(Fragile, desk.engine)
        check_staging(desk.folder / "run")
        deliver(Deliveries, make_engine(ledger_url))
        assert stored(desk.vendors.detections) == expected(detections(range(9)))
