"""Finding what a batch is refused for: the detections, or the request itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ci_operators.core.errors import CredentialsError, RequestRefusedError, UnavailableError
from ci_operators.ledger.row import Row, read_row
from ci_operators.stages.refusals import find_refused
from ci_operators.stages.run import Terms
from ci_operators.transport.client import ATTEMPTS, Client
from simulator import Simulator
from tests.ledger.samples import NO_ADDRESS, detection
from tests.noting_session import NotingSession
from tests.vendor_cases import LIVE
from tests.virtual_time import VirtualTime

TERMS = Terms((), 100)


@pytest.fixture
def client(vendors: Simulator, session: NotingSession, virtual_time: VirtualTime) -> Client:
    return LIVE.connect(vendors.url, session, virtual_time)


def mixed(size: int, bad: set[int]) -> list[Row]:
    """Return rows of which some are no address."""
    return [read_row("acme", detection(number, value=NO_ADDRESS if number in bad else None)) for number in range(size)]


@pytest.mark.parametrize(
    ("size", "bad"),
    [(1, {0}), (2, {1}), (7, {0, 6}), (16, {3, 4}), (16, {15}), (3, {0, 1, 2}), (100, {17, 18, 50})],
)
def test_the_bad_ones_are_found_with_the_apis_message(
    size: int, bad: set[int], client: Client, vendors: Simulator
) -> None:
    rows = mixed(size, bad)
    refused = find_refused(client, rows, TERMS)
    assert set(refused) == {rows[number].key for number in bad}
    assert all("data[0].ioc.value: not a valid ip" in words for words in refused.values())
    assert vendors.detections == []
    assert {entry.debug for entry in vendors.requests} <= {True, None}


def test_few_requests_find_one_among_many(client: Client, vendors: Simulator) -> None:
    find_refused(client, mixed(100, {41}), TERMS)
    assert len(vendors.requests) <= 15


def test_none_are_bad(client: Client) -> None:
    assert find_refused(client, mixed(5, set()), TERMS) == {}


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_request_that_is_wrong_itself_is_not_blamed_on_detections(size: int, client: Client) -> None:
    """The organisation is no organisation: every detection would be refused."""
    assert find_refused(client, mixed(size, set()), Terms(("no organisation",), 100)) == {}


def test_a_dry_run_has_the_organisations_of_the_batch(client: Client) -> None:
    with pytest.raises(CredentialsError):
        find_refused(client, mixed(2, set()), Terms(("uhash:simOrgZ999",), 100))


@pytest.mark.parametrize(
    ("program", "error"),
    [
        (lambda vendors: vendors.add_fault("recorded_future", "status", status=413), RequestRefusedError),
        (lambda vendors: vendors.add_fault("recorded_future", "status", status=401, skip=1), CredentialsError),
        (lambda vendors: vendors.add_fault("recorded_future", "status", count=ATTEMPTS), UnavailableError),
    ],
)
def test_what_says_nothing_of_the_detections_is_raised(
    program: Callable[[Simulator], None], error: type[Exception], client: Client, vendors: Simulator
) -> None:
    program(vendors)
    with pytest.raises(error):
        find_refused(client, mixed(4, {1}), TERMS)


def test_a_probe_refused_for_its_size_says_nothing(client: Client, vendors: Simulator) -> None:
    vendors.add_fault("recorded_future", "status", status=413, skip=1)
    with pytest.raises(RequestRefusedError) as caught:
        find_refused(client, mixed(1, {0}), TERMS)
    assert caught.value.status == 413


def test_trouble_is_waited_out(client: Client, vendors: Simulator) -> None:
    vendors.add_fault("recorded_future", "status", count=ATTEMPTS - 1)
    rows = mixed(2, {1})
    assert set(find_refused(client, rows, TERMS)) == {rows[1].key}
