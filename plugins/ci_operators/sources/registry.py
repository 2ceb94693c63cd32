"""The registry of sources. Options are light and read at DAG parse time; the rest is imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ci_operators.core.connector import Connector
from ci_operators.sources import SOURCES, load_about

if TYPE_CHECKING:  # it imports requests, which no DAG file needs
    from ci_operators.sources.source import Source


def _load_options(name: str) -> type[Connector]:
    options = import_module(f"ci_operators.sources.{name}.options")
    model: type[Connector] = getattr(options, f"{load_about(name).class_name}Connector")
    return model


#: The options of a source's connectors, by the source's name.
OPTIONS = {name: _load_options(name) for name in SOURCES}


def load_source(name: str) -> Source:
    """Return a source. Its fetch, criteria, and mapping are imported now."""
    source: Source = import_module(f"ci_operators.sources.{name}.source").SOURCE
    return source
