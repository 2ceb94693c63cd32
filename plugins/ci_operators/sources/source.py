"""A source: a frozen record of functions, the same for every kind of security tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
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

    name: its name in connectors.yaml, and its folder; docs_url: the page whose criteria it follows.
    api: how to call it, with its title and its Connection's form.
    check: returns a connector's check, if its options change what the API's own check has to try.
    fetch: yields the pages of a window, oldest event first; it continues at the last of the page tokens it is given.
    find_event: returns the event with an id from the source, None if the source does not have it or the connector does
        not read it. Raises RequestRefusedError if the API cannot find a single event.
    criteria: makes the filter step of a connector; mapping: makes its map step.
    drop_reasons, issues, notes: every code that the steps can give -> its meaning.
    faq: code -> the question of the page's FAQ that it answers, if there is one.
    id_paths: the members that can hold an event's id; the first one that has a value counts.
    is_id: whether a text is such an id.
    time_path: the member by which a connector's windows select an event.
    personal: the members about a person, a computer, or a place; they are shown only on demand.
    shown: names of members without personal data: a redacted export shows their values.
    tables: title -> rows of a table in the reference that only this source has, each a phrase and its ATT&CK code.
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
    is_id: Callable[[str | None], bool] = bool
    check: Callable[[Any], Callable[[Client], str]] | None = None

    @property
    def title(self) -> str:
        """Return its title."""
        return self.api.about.title

    def api_for(self, connector: Any) -> Api:
        """Return the API with the connector's check."""
        return replace(self.api, check=self.check(connector)) if self.check else self.api

    def read_id(self, event: bytes) -> str | None:
        """Return the id of an event, None if it has none."""
        return next(filter(self.is_id, (make_path_reader(path)(event) for path in self.id_paths)), None)

    def read_time(self, connector: Any, event: bytes) -> datetime | None:
        """Return the time by which the connector's windows select an event, None if it has none."""
        try:
            return read_instant(make_path_reader(self.time_path(connector))(event) or "")[0]
        except ValueError:
            return None
