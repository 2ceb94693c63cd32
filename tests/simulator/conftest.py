"""A stopped clock, and simulators served on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.simulator.caller import Caller, Start

from simulator import ManualClock, Simulator, serve


@pytest.fixture
def clock() -> ManualClock:
    """A clock at noon on a working day."""
    return ManualClock()


@pytest.fixture
def start(clock: ManualClock) -> Iterator[Start]:
    """Starts a simulator, by default without a scenario, and returns it with a caller."""
    with ExitStack() as stack:

        def begin(**options: Any) -> tuple[Simulator, Caller]:
            simulator = stack.enter_context(serve(Simulator(**{"clock": clock, "scenario": False, **options})))
            caller = Caller(simulator.url)
            stack.callback(caller.close)
            return simulator, caller

        yield begin
