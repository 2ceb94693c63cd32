"""Proofpoint TAP passes the contract suite and its golden cases."""

from __future__ import annotations

from tests.sources.contract import SourceContract
from tests.sources.golden import GoldenCases
from tests.sources.proofpoint.specimens import SPECIMENS


class TestProofpointTAP(SourceContract, GoldenCases):
    specimens = SPECIMENS
    behind_the_filter = {"no_usable_threat"}  # noqa: RUF012 - declared in the base
