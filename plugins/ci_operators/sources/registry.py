"""All sources, by name. Options are light and read at DAG parse time; the rest is imported when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ci_operators.core.connector import Connector
from ci_operators.sources.okta.options import OktaConnector
from ci_operators.sources.sentinelone.options import SentinelOneConnector

if TYPE_CHECKING:  # it brings requests, which no DAG file needs
    from ci_operators.sources.source import Source

OPTIONS: dict[str, type[Connector]] = {"okta": OktaConnector, "sentinelone": SentinelOneConnector}


def load_source(name: str) -> Source:
    """Return the source `name`; its fetch, criteria and mapping are imported now."""
    source: Source = import_module(f"ci_operators.sources.{name}.source").SOURCE
    return source
