"""SentinelOne keeps to what every source keeps to."""

from __future__ import annotations

from tests.sources.contract import SourceContract
from tests.sources.sentinelone.specimens import SPECIMENS


class TestSentinelOne(SourceContract):
    specimens = SPECIMENS
