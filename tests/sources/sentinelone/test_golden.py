"""SentinelOne events and what becomes of them, case by case."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sources.golden import check_golden, golden_files, untold_codes
from tests.sources.sentinelone.specimens import SPECIMENS

FILES = golden_files(Path(__file__).parent)
#: Codes that no event of the chain gives: the filter stands before them. sources/contract.py asks the mapping alone.
BEHIND_THE_FILTER = {"indicator_not_a_hash"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.stem))
def test_golden_case(path: Path, request: pytest.FixtureRequest) -> None:
    check_golden(SPECIMENS, path, is_update=bool(request.config.getoption("--update-golden")))


def test_every_code_has_its_golden_case() -> None:
    assert untold_codes(SPECIMENS.source, FILES) == BEHIND_THE_FILTER
