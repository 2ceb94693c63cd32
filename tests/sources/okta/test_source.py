"""Okta passes the contract suite and its golden cases."""

from __future__ import annotations

from tests.sources.contract import SourceContract
from tests.sources.golden import GoldenCases
from tests.sources.okta.specimens import SPECIMENS


class TestOkta(SourceContract, GoldenCases):
    specimens = SPECIMENS
