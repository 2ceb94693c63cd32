"""How much the fuzzing does: little in the suite, as long as asked by `python -m tests.fuzz`."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.airflow_home import ROOT
from tests.fuzz.campaign import Campaign, Example, Figures, Finding, try_once
from tests.fuzz.variables import FOLDER, MINUTES, REPLAY, SEED

# The pages' fixtures: Airflow's tables, and somebody who is logged in.
from tests.pages.conftest import client, connectors_file, ledger, log_in, metadata, metadata_database

__all__ = ["client", "connectors_file", "ledger", "log_in", "metadata", "metadata_database"]

#: In the suite: the same examples each time, and others by a seed that is told.
EXAMPLES, FRESH = 400, 100

#: Fuzzes a target: its name, one example, and its share of the examples.
Fuzz = Callable[[str, Example, float], Figures]


@pytest.fixture
def fuzz(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Fuzz:
    """Return what runs a target, tells its figures, and fails with what it has found."""
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(2**32))
    minutes = float(os.environ[MINUTES]) if os.environ.get(MINUTES) else None
    folder = Path(os.environ.get(FOLDER) or ROOT / "build" / "fuzz")
    campaign = Campaign(seed, EXAMPLES, FRESH, minutes, folder)

    def run(target: str, example: Example, share: float = 1.0) -> Figures:
        if replayed := os.environ.get(REPLAY):
            return _replay(target, example, Path(replayed))
        figures = campaign.run(target, example, share=share)
        with capsys.disabled():
            sys.stdout.write(f"\n  {figures}, seed {seed}\n")
            if minutes is not None:
                sys.stdout.writelines(f"    {count:>8} {name}\n" for name, count in figures.outcomes.most_common())
        told = "\n".join(f"{words}\n{finding.trace}" for words, finding in figures.findings.items())
        assert not figures.findings, f"seed {seed}, inputs in {folder}:\n{told}"
        return figures

    return run


def _replay(target: str, example: Example, path: Path) -> Figures:
    found = try_once(example, path.read_bytes())
    assert not isinstance(found, Finding), found.trace
    return Figures(target, 1)
