"""Okta keeps to what every source keeps to."""

from __future__ import annotations

from tests.sources.contract import SourceContract
from tests.sources.okta.specimens import SPECIMENS


class TestOkta(SourceContract):
    specimens = SPECIMENS
