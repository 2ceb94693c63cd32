"""Okta keeps to what every source keeps to, and makes of each event what its golden case says."""

from __future__ import annotations

from tests.sources.contract import SourceContract
from tests.sources.golden import GoldenCases
from tests.sources.okta.specimens import SPECIMENS


class TestOkta(SourceContract, GoldenCases):
    specimens = SPECIMENS
