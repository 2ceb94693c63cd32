"""How much the fuzzing does: the same few examples in the suite, new ones as long as `python -m tests.fuzz` is told."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import HealthCheck, Phase, event, given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase

from tests.fuzz.choices import Choices

# The pages' fixtures: Airflow's tables, and somebody who is logged in.
from tests.pages.conftest import client, connectors_file, ledger, log_in, metadata, metadata_database

__all__ = ["client", "connectors_file", "ledger", "log_in", "metadata", "metadata_database"]

#: Processor seconds that one example may take. A usual one takes milliseconds.
PATIENCE_S = 10.0
#: Examples of a target in the suite, and in a round of a campaign.
EXAMPLES = 400

#: One example: takes its decisions from the choices, checks what has to hold, and returns what came of it in a word.
Example = Callable[[Choices], str]
#: Fuzzes a target: its name, one example, and its share of the examples (some cost more than others).
Fuzz = Callable[[str, Example, float], None]


class HangError(BaseException):
    """An example takes too long. No exception that the product could catch."""


@pytest.fixture
def fuzz() -> Fuzz:
    """Return what runs a target: once, or in rounds with new seeds until FUZZ_MINUTES are over."""
    minutes, folder = float(os.environ.get("FUZZ_MINUTES", "0")), os.environ.get("FUZZ_FOLDER")
    first = int(os.environ.get("FUZZ_SEED", "0"))
    replays = "FUZZ_REPLAY" in os.environ

    def run(target: str, example: Example, share: float = 1.0) -> None:
        def attempt(data: st.DataObject) -> None:
            with _bounded():
                event(example(Choices(data)))

        attempt.__name__ = target  # findings are kept by name
        options = settings(
            max_examples=max(1, round(EXAMPLES * share)),
            deadline=None,
            database=DirectoryBasedExampleDatabase(Path(folder)) if folder else None,
            phases=[Phase.reuse] if replays else [Phase.reuse, Phase.generate, Phase.shrink],
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        end, number = time.monotonic() + minutes * 60, first
        while number == first or (time.monotonic() < end and not replays):
            seed(number)(options(given(st.data())(attempt)))()
            number += 1

    return run


@contextmanager
def _bounded() -> Iterator[None]:
    def give_up(number: int, frame: FrameType | None) -> None:
        raise HangError

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE_S)
    try:
        yield
    except HangError:
        raise AssertionError(f"an example takes more than {PATIENCE_S} s") from None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
