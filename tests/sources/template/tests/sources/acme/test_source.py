"""Acme Cloud passes the contract suite."""

from __future__ import annotations

from tests.sources.acme.specimens import SPECIMENS
from tests.sources.contract import SourceContract


class TestAcmeCloud(SourceContract):
    specimens = SPECIMENS
