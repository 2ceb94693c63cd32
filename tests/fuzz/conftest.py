"""The amount of fuzzing: the same few examples in the suite, new ones for the time given to `python -m tests.fuzz`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase

from tests.fuzz.choices import Choices

# The pages' fixtures: Airflow's tables and a logged-in user.
from tests.pages.conftest import client, connectors_file, ledger, log_in, metadata, metadata_database

__all__ = ["client", "connectors_file", "ledger", "log_in", "metadata", "metadata_database"]

#: The limit of CPU seconds for one example. A usual one takes milliseconds.
PATIENCE_S = 10.0
#: Examples of a target in the suite, and in a round of a campaign.
EXAMPLES = 400

#: One example: takes its decisions from the choices, checks the invariants, and returns its outcome in a word.
Example = Callable[[Choices], str]
#: Fuzzes a target: its name, one example, and its share of the examples (some cost more than others).
Fuzz = Callable[[str, Example, float], None]


class HangError(BaseException):
    """An example takes too long. The product cannot catch this exception."""


@pytest.fixture
def fuzz(capsys: pytest.CaptureFixture[str]) -> Fuzz:
    """Return a runner of a target: the same examples once, or rounds of new ones until FUZZ_MINUTES are over."""
    minutes, folder = float(os.environ.get("FUZZ_MINUTES", "0")), os.environ.get("FUZZ_FOLDER")
    replays = "FUZZ_REPLAY" in os.environ
    campaign = DirectoryBasedExampleDatabase(Path(folder)) if folder else None

    def run(target: str, example: Example, share: float = 1.0) -> None:
        outcomes = Counter[str]()

        def attempt(data: st.DataObject) -> None:
            with _bounded():
                outcomes[example(Choices(data))] += 1

        attempt.__name__ = target  # findings are kept by name
        options = settings(
            max_examples=max(1, round(EXAMPLES * share)),
            deadline=None,
            derandomize=campaign is None,
            database=campaign,
            phases=[Phase.reuse] if replays else [Phase.reuse, Phase.generate, Phase.shrink],
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )
        tried, end = options(given(st.data())(attempt)), time.monotonic() + minutes * 60
        tried()
        while time.monotonic() < end and not replays:
            tried()
        with capsys.disabled():
            sys.stdout.write(f"\n  {target}: {outcomes.total()} examples, {len(outcomes)} distinct outcomes\n")

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
