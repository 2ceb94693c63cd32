"""The body of `POST /alerts/combined/alerts/v1`: filter (FQL), sort, limit, after; everything else is rejected.

FQL is limited to what connectors send: clauses with fields from the reference, joined by `+`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from simulator.book import TIMELESS, Record, Shown, State
from simulator.crowdstrike.refusals import refuse
from simulator.exchange import Call
from simulator.instants import parse_zoned

MAX_LIMIT: Final = 1000
DEFAULT_LIMIT: Final = 100
_TIMES: Final = ("created_timestamp", "updated_timestamp")
_TEXTS: Final = ("composite_id", "product", "status")
_SORT: Final = re.compile(r"(created_timestamp|updated_timestamp)\|(asc|desc)", re.ASCII)
_CLAUSE: Final = re.compile(
    r"(?P<field>[a-z_]+):(?P<operator>>=|<=|>|<|)(?P<value>'[^']*'|\['[^']*'(?:, ?'[^']*')*\])", re.ASCII
)
#: Not the `+` of a time zone.
_JOIN: Final = re.compile(r"\+(?=[a-z_]+:|\Z)", re.ASCII)
_COMPARE: Final[dict[str, Callable[[int, int], bool]]] = {
    ">=": lambda value, bound: value >= bound,
    ">": lambda value, bound: value > bound,
    "<=": lambda value, bound: value <= bound,
    "<": lambda value, bound: value < bound,
}

Condition = Callable[[Record, State], bool]
#: The place of a row in a sort order: its time, then its id.
Place = tuple[int, str]


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """A parsed body. after: the row after which the page starts; fetched: number of rows on earlier pages.

    since: alerts whose times are all earlier do not meet the filter.
    """

    conditions: tuple[Condition, ...]
    column: str
    is_descending: bool
    limit: int
    after: Place | None
    fetched: int
    text: str
    since: int

    def place(self, shown: Shown) -> Place:
        """Return the place of a row in the sort order."""
        record, state = shown
        return (record.created if self.column == "created_timestamp" else state.updated), record.event_id

    def is_wanted(self, shown: Shown) -> bool:
        """Return whether a row meets the filter; a row without a readable time always does."""
        record, state = shown
        return record.created == TIMELESS or all(holds(record, state) for holds in self.conditions)

    def is_after(self, shown: Shown) -> bool:
        """Return whether a row is on this page or a later page."""
        if self.after is None:
            return True
        place = self.place(shown)
        return place < self.after if self.is_descending else place > self.after

    def make_after(self, last: Shown, fetched: int) -> str:
        """Return the token of the next page."""
        members = {"version": "v1", "after": self.place(last), "total_fetched": fetched, "search": self.text}
        return base64.b64encode(orjson.dumps(members)).decode()


def read_query(call: Call) -> AlertQuery:
    """Return the query of a request. Raises RefusalError for anything that is not in the reference."""
    if call.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise refuse("Content-Type must be application/json", 415)
    if call.query:
        raise refuse(f"unknown query parameter: {call.pairs[0][0] if call.pairs else call.query}")
    body = _read_object(call.body)
    if unknown := body.keys() - {"filter", "sort", "limit", "after"}:
        raise refuse(f"unknown field: {min(unknown)}")
    limit = body.get("limit", DEFAULT_LIMIT)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise refuse(f"limit must be a number from 1 to {MAX_LIMIT}")
    sort = _SORT.fullmatch(_read_text(body, "sort") or "created_timestamp|desc")
    if sort is None:
        raise refuse("invalid sort")
    fql = _read_text(body, "filter")
    text = f"{fql} {sort[0]}"
    after, fetched = _read_after(_read_text(body, "after"), text)
    conditions = tuple(map(_read_clause, _JOIN.split(fql))) if fql else ()
    return AlertQuery(conditions, sort[1], sort[2] == "desc", limit, after, fetched, text, _find_since(fql))


def _find_since(fql: str) -> int:
    return min((parse_zoned(text) or 0 for text in re.findall(r"timestamp:>='([^']*)'", fql)), default=0)


def _read_object(text: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise refuse("the body is not a JSON object")
    return body


def _read_text(body: dict[str, Any], name: str) -> str:
    text = body.get(name, "")
    if not isinstance(text, str):
        raise refuse(f"{name} must be a string")
    return text


def _read_clause(clause: str) -> Condition:
    found = _CLAUSE.fullmatch(clause)
    if found is None:
        raise refuse(f"invalid filter: {clause[:60]}")
    field, operator, value = found["field"], found["operator"], found["value"]
    if field in _TIMES and operator and not value.startswith("["):
        return _compare_time(field, operator, value.strip("'"))
    if field in _TEXTS and not operator:
        allowed = re.findall(r"'([^']*)'", value)
        return lambda record, state: state.event.get(field) in allowed if isinstance(state.event, dict) else True
    raise refuse(f"invalid filter: {clause[:60]}")


def _compare_time(field: str, operator: str, text: str) -> Condition:
    bound, holds = parse_zoned(text), _COMPARE[operator]
    if bound is None:
        raise refuse(f"invalid filter: {field} needs a date and time")
    if field == "created_timestamp":
        return lambda record, _state: holds(record.created, bound)
    return lambda _record, state: holds(state.updated, bound)


def _read_after(token: str, search: str) -> tuple[Place | None, int]:
    if not token:
        return None, 0
    try:
        members = orjson.loads(base64.b64decode(token.strip(), validate=True))
        (time, alert_id), fetched = members["after"], members["total_fetched"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise refuse("invalid after") from None
    if members.get("search") != search:
        raise refuse("after belongs to another filter or sort")
    return (time, alert_id), fetched
