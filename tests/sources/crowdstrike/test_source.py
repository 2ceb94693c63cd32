"""CrowdStrike passes the contract suite and its golden cases."""

from __future__ import annotations

from tests.sources.contract import SourceContract
from tests.sources.crowdstrike.specimens import SPECIMENS
from tests.sources.golden import GoldenCases


class TestCrowdStrike(SourceContract, GoldenCases):
    specimens = SPECIMENS
    behind_the_filter = {"no_usable_indicator"}  # noqa: RUF012 - declared in the base
