"""What a source is: a frozen record of functions, the same for every kind of security tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ci_operators.core.verdict import Note, Step
from ci_operators.core.window import Window
from ci_operators.transport.api import Api
from ci_operators.transport.client import Client
from ci_operators.transport.paging import Page


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of security tool.

    name: its word in connectors.yaml; title: its name for people; docs_url: the page whose criteria it follows.
    api: how to speak to it.
    fetch: yields the pages of a window, oldest event first; it continues at the last of the page tokens it is given.
    criteria: the filter step of a connector; mapping: its map step.
    drop_reasons, issues, notes: every code the steps can give, in words.
    faq: code -> the question of the page's FAQ that it answers, for the codes that one asks about.
    personal: the event's members that tell of a person, a computer or a place, as dotted paths; lists are passed
    through. What is shown of an event shows these on demand alone.
    read_id: the id that an event goes by, None if it has none.
    find_event: the event of an id at the source now, as far as it keeps events and the connector reads them.
    read_time: the time by which the connector's windows hold an event.
    keeps: how long the source keeps events, None for ever; asking for older ones may be an error there.
    """

    name: str
    title: str
    docs_url: str
    api: Api
    fetch: Callable[[Client, Any, Window, Sequence[str]], Iterator[Page]]
    criteria: Callable[[Any], Step]
    mapping: Callable[[Any, Note], Step]
    drop_reasons: Mapping[str, str]
    issues: Mapping[str, str]
    notes: Mapping[str, str]
    faq: Mapping[str, str]
    personal: tuple[str, ...]
    read_id: Callable[[bytes], str | None]
    find_event: Callable[[Client, Any, str, datetime], bytes | None]
    read_time: Callable[[Any, bytes], datetime | None]
    keeps: timedelta | None = None
