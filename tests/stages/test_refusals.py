"""Finding the cause of a refused batch: detections, or the request itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ci_operators.core.errors import AccountingError, CredentialsError, RequestRefusedError, UnavailableError
from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.ledger.row import Row, read_row
from ci_operators.stages.refusals import DryRun, find_refused
from ci_operators.stages.run import Terms
from ci_operators.transport.client import ATTEMPTS, Client
from simulator import Simulator
from tests.ledger.samples import NO_ADDRESS, detection, stage
from tests.noting_session import NotingSession
from tests.vendor_cases import LIVE
from tests.virtual_time import VirtualTime

TERMS = Terms((), 100)


@pytest.fixture
def client(vendors: Simulator, session: NotingSession, virtual_time: VirtualTime) -> Client:
    return LIVE.connect(vendors.url, session, virtual_time)


def mixed(size: int, bad: set[int]) -> list[Row]:
    """Return rows, some without a valid address."""
    return [read_row("acme", detection(number, value=NO_ADDRESS if number in bad else None)) for number in range(size)]


REFUSED = RequestRefusedError("Recorded Future answered 400.", status=400)


def requests(vendors: Simulator) -> int:
    return len(vendors.requests)


@pytest.mark.parametrize(
    ("size", "bad"),
    [(1, {0}), (2, {1}), (7, {0, 6}), (16, {3, 4}), (16, {15}), (3, {0, 1, 2}), (100, {17, 18, 50})],
)
def test_the_bad_ones_are_found_with_the_apis_message(
    size: int, bad: set[int], client: Client, vendors: Simulator
) -> None:
    rows = mixed(size, bad)
    refused = find_refused(client, rows, TERMS, REFUSED)
    assert set(refused) == {rows[number].key for number in bad}
    assert all("data[0].ioc.value: not a valid ip" in words for words in refused.values())
    assert vendors.detections == []
    assert {entry.debug for entry in vendors.requests} <= {True, None}


def test_few_requests_find_one_among_many(client: Client, vendors: Simulator) -> None:
    find_refused(client, mixed(100, {41}), TERMS, REFUSED)
    assert requests(vendors) <= 16


def test_no_detection_is_bad(client: Client) -> None:
    assert find_refused(client, mixed(5, set()), TERMS, REFUSED) == {}


@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_wrong_request_takes_one_more_probe(size: int, client: Client, vendors: Simulator) -> None:
    """The organization is invalid, so every detection would be refused."""
    with pytest.raises(RequestRefusedError) as caught:
        find_refused(client, mixed(size, set()), Terms(("no organization",), 100), REFUSED)
    assert (caught.value, requests(vendors)) == (REFUSED, 1)


def test_a_dry_run_has_the_organizations_of_the_batch(client: Client) -> None:
    with pytest.raises(CredentialsError):
        find_refused(client, mixed(2, set()), Terms(("uhash:simOrgZ999",), 100), REFUSED)


@pytest.mark.parametrize(
    ("program", "error"),
    [
        (lambda vendors: vendors.add_fault("recorded_future", "status", status=413, skip=1), RequestRefusedError),
        (lambda vendors: vendors.add_fault("recorded_future", "status", status=401, skip=1), CredentialsError),
        (lambda vendors: vendors.add_fault("recorded_future", "status", count=ATTEMPTS), UnavailableError),
    ],
)
def test_other_errors_are_raised(
    program: Callable[[Simulator], None], error: type[Exception], client: Client, vendors: Simulator
) -> None:
    program(vendors)
    with pytest.raises(error):
        find_refused(client, mixed(4, {1}), TERMS, REFUSED)


def test_a_probe_refused_for_its_size_is_raised(client: Client, vendors: Simulator) -> None:
    vendors.add_fault("recorded_future", "status", status=413)
    with pytest.raises(RequestRefusedError) as caught:
        find_refused(client, mixed(1, {0}), TERMS, REFUSED)
    assert caught.value.status == 413


def test_trouble_is_waited_out(client: Client, vendors: Simulator) -> None:
    vendors.add_fault("recorded_future", "status", count=ATTEMPTS - 1)
    rows = mixed(2, {1})
    assert set(find_refused(client, rows, TERMS, REFUSED)) == {rows[1].key}


def test_another_status_blames_no_detection(client: Client, vendors: Simulator) -> None:
    with pytest.raises(RequestRefusedError, match="404"):
        find_refused(client, mixed(2, set()), TERMS, RequestRefusedError("It answered 404.", status=404))
    assert requests(vendors) == 0


class TestDryRun:
    """The API requests of a debug run."""

    def dry_run(self, client: Client, directory: Path, size: int, bad: set[int], terms: Terms = TERMS) -> DryRun:
        found = DryRun(client, "acme", terms)
        found.check(stage(directory, [row.text for row in mixed(size, bad)]))
        return found

    def test_nothing_is_refused(self, client: Client, vendors: Simulator, tmp_path: Path) -> None:
        found = self.dry_run(client, tmp_path, 7, set(), Terms((), 3))
        assert (found.processed, found.refused, found.batches) == ({"ip": 7}, {}, 3)
        assert [(entry.debug, entry.entries) for entry in vendors.requests] == [(True, 3), (True, 3), (True, 1)]
        assert vendors.detections == []

    def test_a_batch_counted_otherwise_stops_it(self, client: Client, vendors: Simulator, tmp_path: Path) -> None:
        vendors.add_fault("recorded_future", "wrong_counts", skip=1)
        with pytest.raises(AccountingError, match="processed 2 ip, but 3 ip were sent"):
            self.dry_run(client, tmp_path, 7, set(), Terms((), 3))

    @pytest.mark.parametrize("bad", [{0}, {2, 3}, {6}, set(range(7))])
    def test_the_bad_ones_are_reported_and_the_rest_checked(
        self, bad: set[int], client: Client, vendors: Simulator, tmp_path: Path
    ) -> None:
        found = self.dry_run(client, tmp_path, 7, bad, Terms((), 3))
        assert set(found.refused) == {row.key for number, row in enumerate(mixed(7, bad)) if number in bad}
        assert found.processed.total() == 7 - len(bad)
        assert vendors.detections == []

    def test_a_repeated_detection_is_checked_once(self, client: Client, vendors: Simulator, tmp_path: Path) -> None:
        """A live run also sends it once, in one batch or in two."""
        found = DryRun(client, "acme", Terms((), 3))
        texts = [row.text for row in mixed(4, set())]
        found.check(stage(tmp_path, [*texts, texts[0], texts[0], texts[3]]))
        assert (found.processed, found.duplicates) == ({"ip": 4}, 3)
        step = found.step(lambda record: record)
        twice = [step(text) for text in (texts[0], texts[1], texts[0])]
        assert twice == [texts[0], texts[1], Dropped("duplicate", "event-00000")]

    def test_a_wrong_request_takes_two_submissions(self, client: Client, vendors: Simulator, tmp_path: Path) -> None:
        with pytest.raises(RequestRefusedError):
            self.dry_run(client, tmp_path, 100, set(), Terms(("no organization",), 100))
        assert len(vendors.requests) == 2

    def test_its_step_quarantines_them(self, client: Client, tmp_path: Path) -> None:
        found = self.dry_run(client, tmp_path, 3, {1})
        step = found.step(lambda record: Dropped("odd", None) if record == b"odd" else record)
        results = [step(row.text) for row in mixed(3, {1})]
        assert results[0] == mixed(1, set())[0].text
        assert isinstance(results[1], Quarantined)
        assert (results[1].issue, results[1].event_id) == ("rejected_by_api", "event-00001")
        assert "not a valid ip" in results[1].detail
        assert step(b"odd") == Dropped("odd", None)

    def test_a_wrong_request_is_raised(self, client: Client, tmp_path: Path) -> None:
        with pytest.raises(RequestRefusedError, match="uhash"):
            self.dry_run(client, tmp_path, 3, set(), Terms(("no organization",), 2))

    def test_one_that_is_accepted_the_second_time_is_raised_not_asked_forever(
        self, client: Client, vendors: Simulator, tmp_path: Path
    ) -> None:
        vendors.add_fault("recorded_future", "status", status=400)
        with pytest.raises(RequestRefusedError):
            self.dry_run(client, tmp_path, 1, set())

    @pytest.mark.parametrize(("status", "batches"), [(400, 2), (413, 3)])
    def test_too_many_at_once_are_checked_in_halves(
        self, status: int, batches: int, client: Client, vendors: Simulator, tmp_path: Path
    ) -> None:
        vendors.add_fault("recorded_future", "status", status=status)
        found = self.dry_run(client, tmp_path, 5, set())
        assert (found.processed, found.refused, found.batches) == ({"ip": 5}, {}, batches)

    def test_one_too_large_alone_is_refused(self, client: Client, vendors: Simulator, tmp_path: Path) -> None:
        vendors.add_fault("recorded_future", "status", status=413)
        (message,) = self.dry_run(client, tmp_path, 1, set()).refused.values()
        assert "413" in message

    def test_an_error_without_bad_detections_is_raised(
        self, client: Client, vendors: Simulator, tmp_path: Path
    ) -> None:
        vendors.add_fault("recorded_future", "status", status=404)
        with pytest.raises(RequestRefusedError, match="404"):
            self.dry_run(client, tmp_path, 2, set())
