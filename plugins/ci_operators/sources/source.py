"""What a source is: a frozen record of functions, the same for every kind of security tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ci_operators.core.instant import read_instant
from ci_operators.core.tolerant import make_path_reader
from ci_operators.core.verdict import Note, Step
from ci_operators.core.window import Window
from ci_operators.transport.api import Api
from ci_operators.transport.client import Client
from ci_operators.transport.paging import Page


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of security tool. Members of its events are named by dotted paths, which pass through lists.

    name: its word in connectors.yaml, and its folder's; docs_url: the page whose criteria it follows.
    api: how to speak to it, and what is told of it before that.
    fetch: yields the pages of a window, oldest event first; it continues at the last of the page tokens it is given.
    find_event: the event of an id at the source now, as far as it keeps events and the connector reads them.
    criteria: the filter step of a connector; mapping: its map step.
    drop_reasons, issues, notes: every code that the steps can give, in words.
    faq: code -> the question of the page's FAQ that it answers, for the codes that one asks about.
    id_paths: the members that hold an event's id; the first one that does counts.
    time_path: the member by which a connector's windows hold an event.
    personal: the members that tell of a person, a computer or a place; people see them on demand alone.
    shown: names of members whose values tell of nobody: a redacted export shows these.
    tables: title -> rows of a table that the reference has of this source alone, each a phrase and its ATT&CK code.
    keeps: how long the source keeps events, None for ever; asking for older ones may be an error there.
    """

    name: str
    docs_url: str
    api: Api
    fetch: Callable[[Client, Any, Window, Sequence[str]], Iterator[Page]]
    find_event: Callable[[Client, Any, str, datetime], bytes | None]
    criteria: Callable[[Any], Step]
    mapping: Callable[[Any, Note], Step]
    drop_reasons: Mapping[str, str]
    issues: Mapping[str, str]
    notes: Mapping[str, str]
    faq: Mapping[str, str]
    id_paths: tuple[str, ...]
    time_path: Callable[[Any], str]
    personal: tuple[str, ...]
    shown: tuple[str, ...]
    tables: Mapping[str, Callable[[], Mapping[str, str]]] = field(default_factory=dict)
    keeps: timedelta | None = None

    @property
    def title(self) -> str:
        """Return its name for people."""
        return self.api.about.title

    def read_id(self, event: bytes) -> str | None:
        """Return the id that an event goes by, None if it has none."""
        return next(filter(None, (make_path_reader(path)(event) for path in self.id_paths)), None)

    def read_time(self, connector: Any, event: bytes) -> datetime | None:
        """Return the time by which the connector's windows hold an event, None if it names none."""
        try:
            return read_instant(make_path_reader(self.time_path(connector))(event) or "")[0]
        except ValueError:
            return None
