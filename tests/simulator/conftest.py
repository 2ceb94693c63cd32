"""A clock that stands still, and simulators served on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.simulator.caller import Caller

from simulator import ManualClock, Simulator, serve

Start = Callable[..., tuple[Simulator, Caller]]


@pytest.fixture
def clock() -> ManualClock:
    """A clock at noon of a working day."""
    return ManualClock()


@pytest.fixture
def start(clock: ManualClock) -> Iterator[Start]:
    """Starts a simulator without a scenario (unless asked for one) and returns it with a caller."""
    with ExitStack() as stack:

        def begin(**options: Any) -> tuple[Simulator, Caller]:
            simulator = stack.enter_context(serve(Simulator(**{"clock": clock, "scenario": False, **options})))
            caller = Caller(simulator.url)
            stack.callback(caller.close)
            return simulator, caller

        yield begin
