"""Several runs deliver at once, and the ledger becomes unavailable."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from sqlalchemy import text

from ci_operators.core.errors import (
    ConfigurationError,
    RetriableError,
)
from ci_operators.ledger.access import open_connection
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.version import NEEDED_VERSION
from ci_operators.stages.run import StageResult
from ci_operators.transport.client import Client
from tests.faults.line import expected, stored
from tests.ledger.samples import detections
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

    def test_a_patient_run_continues_when_the_first_has_ended(self, desk: Desk) -> None:
        """A live run during a backfill does not need a later retry, which could find another run."""
        desk.lock_patience_s = 60
        with open_connection(desk.engine) as connection, ThreadPoolExecutor() as pool:
            Deliveries(connection, "acme", "other", "rf").lock()
            found = pool.submit(desk.deliver, detections(range(2)))
            wait_until_somebody_waits(connection)
            assert not found.done()
            connection.close()
            assert found.result(60).extra["accepted"] == 2

    def test_a_run_that_waited_for_a_migration_does_not_use_the_old_schema(self, desk: Desk) -> None:
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
        """Four runs of one connector over overlapping windows, each retried until it succeeds."""
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
            own.lock_patience_s, own.runs = desk.lock_patience_s, 100 * number
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
