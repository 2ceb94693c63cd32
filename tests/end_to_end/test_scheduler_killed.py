"""A scheduler is killed with all its workers. The next one continues its tasks, and delivery is exact."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime

import pytest

from local_airflow.guard import session_members
from local_airflow.processes import end_all, running, wait_until
from simulator import Fault
from tests.end_to_end.conftest import ALL, HELD_S, Begin, Installation
from tests.end_to_end.tenant import PATIENCE_S, Tenant, wait_for

pytestmark = pytest.mark.airflow

#: Kills the scheduler of a process's session with all its workers, and starts another one.
Replace = Callable[[int], None]


@pytest.fixture(scope="package")
def replace_scheduler(installation: Installation) -> Iterator[Replace]:
    """A function that replaces the scheduler once. The second one ends before the rest of the installation."""
    address = installation.address
    first = next(child for child in address.processes if child.name == "airflow scheduler")
    with ExitStack() as stack:

        def replace(worker: int) -> None:
            kill_session(os.getsid(worker))
            end_all([first])
            since = datetime.now(UTC)
            second = stack.enter_context(running(first.command))
            wait_until(lambda: address.api().is_scheduling(since), [second], PATIENCE_S)

        yield replace


def kill_session(session: int) -> None:
    """Kill all processes of a session, its leader first, so that no process can report another's end."""
    for pid in sorted(session_members(session), key=lambda pid: pid != session):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def wait_until_held(tenant: Tenant, run_id: str, stage: str) -> int:
    """Wait until a vendor holds a task's request back, and return the task's process id."""
    wait_for(lambda: any(entry.fault for entry in tenant.simulator.requests), f"{stage} to ask")
    pid: int = tenant.task(run_id, stage)["pid"]
    return pid


def test_the_next_scheduler_finishes_the_tasks_of_a_killed_one(begin: Begin, replace_scheduler: Replace) -> None:
    """One run waits for the first page of its source; the second batch of another run is stored but not answered."""
    extracting = begin("orphaned-extract", Fault("okta", "slow", seconds=HELD_S))
    submitting = begin("orphaned-submit", Fault("recorded_future", "slow", skip=1, seconds=HELD_S))
    workers = [wait_until_held(*extracting, "extract"), wait_until_held(*submitting, "submit")]
    assert os.getsid(workers[0]) == os.getsid(workers[1])
    replace_scheduler(workers[0])
    for (tenant, run_id), stage in ((extracting, "extract"), (submitting, "submit")):
        assert tenant.outcome(run_id) == "success"
        assert tenant.task(run_id, stage)["try_number"] == 2
        assert tenant.sent == ALL
    submit = submitting[0].manifest(submitting[1], "submit")
    assert (submit["dropped"], submit["found_by_search"], submit["accepted"]) == ({}, 10, 25)
