"""Acme Cloud keeps to what every source keeps to."""

from __future__ import annotations

from tests.sources.acme.specimens import SPECIMENS
from tests.sources.contract import SourceContract


class TestAcmeCloud(SourceContract):
    specimens = SPECIMENS
