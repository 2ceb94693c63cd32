"""All unified alerts of the SentinelOne tenant, and the answers to the queries `alerts` and `alert`."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final

import orjson

from simulator.book import Book, State
from simulator.exchange import Call, Reply
from simulator.instants import parse_zoned
from simulator.sentinelone.alert_scenario import alert_hour, label_alert
from simulator.sentinelone.alert_schema import COMPARATORS, SCHEMA
from simulator.sentinelone.graphql import Query, Selection, project, read_query, refuse
from simulator.sentinelone.scenario import MAX_VERDICT_DELAY
from simulator.vendor import Setup

_MOST: Final = 1000
_DEFAULT: Final = 50


class Alerts:
    """The alerts and the queries to them."""

    def __init__(self, setup: Setup) -> None:
        self.book = Book(setup, label_alert, alert_hour, reach=MAX_VERDICT_DELAY)

    def find_id(self, name: str) -> str:
        """Return the id of the added alert with this external id; without one, the name itself."""
        events = (record.states[0].event for record in self.book.added)
        alerts = (event for event in events if isinstance(event, dict))
        return next((str(alert["id"]) for alert in alerts if alert.get("externalId") == name), name)

    def answer(self, call: Call) -> Reply:
        """Return the answer to a query."""
        try:
            asked = orjson.loads(call.body)
            query = read_query(SCHEMA, asked["query"], asked.get("variables") or {})
        except (ValueError, LookupError, TypeError, AttributeError):
            raise refuse("The request is not a GraphQL query", "InvalidSyntax") from None
        return self._list(query, call.now) if query.root == "alerts" else self._detail(query, call.now)

    def _detail(self, query: Query, now: int) -> Reply:
        found = self.book.find(str(query.arguments["id"]), now)
        if found is None:
            raise refuse("Exception while fetching data (/alert) : Required value was null.", "DataFetchingException")
        return Reply(200, orjson.dumps({"data": {"alert": project(query.selection, found.event)}}))

    def _list(self, query: Query, now: int) -> Reply:
        given = query.arguments
        sort = given.get("sort") or {"by": "createdAt", "order": "DESC"}
        if sort["by"] not in ("detectedAt", "createdAt", "updatedAt"):
            raise refuse(f"Field {sort['by']} does not exist or not supported for SORT API call", "BAD_REQUEST")
        filters = [_read_filter(each) for each in given.get("filters") or ()]
        rows = sorted(
            (
                (_moment(state.event, sort["by"]) or 0, record.serial, state)
                for record, state in self.book.shown(now, updated_from=_earliest(filters))
                if _is_selected(state.event, filters, given.get("scope"))
            ),
            key=lambda row: row[:2],
            reverse=sort.get("order") != "ASC",
        )
        return _page(rows, query, sort)


Filter = tuple[str, str, Mapping[str, Any], bool]


def _read_filter(given: Mapping[str, Any]) -> Filter:
    name, negated = given["fieldId"], bool(given.get("isNegated"))
    comparators = [key for key in given if key not in ("fieldId", "isNegated")]
    if name not in COMPARATORS or len(comparators) != 1 or comparators[0] not in COMPARATORS[name]:
        raise refuse(f"Field {name} does not exist or not supported for FILTER API call", "BAD_REQUEST")
    return name, comparators[0], given[comparators[0]], negated


def _earliest(filters: list[Filter]) -> int:
    """Return the instant before which no alert can be selected, which saves work."""
    starts = (wanted.get("start") for _, kind, wanted, _ in filters if kind == "dateTimeRange")
    return max((int(start or 0) * 1000 for start in starts), default=0)


def _is_selected(alert: Any, filters: list[Filter], scope: Mapping[str, Any] | None) -> bool:
    """Return whether an alert meets the filters. Other values always do; informational alerts must be named."""
    if not isinstance(alert, dict):
        return True
    level = {"ACCOUNT": "account", "SITE": "site", "GROUP": "group"}.get((scope or {}).get("scopeType", ""), "")
    if level and _find(alert, "realTime", "scope", level, "id") not in (scope or {})["scopeIds"]:
        return False
    named = any(name == "confidenceLevel" for name, *_ in filters)
    if alert.get("confidenceLevel") == "INFORMATIONAL" and not named:
        return False
    return all(_meets(alert, name, kind, wanted) != negated for name, kind, wanted, negated in filters)


def _find(value: Any, *path: str) -> Any:
    """Return the member at a path, None if there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _meets(alert: Mapping[str, Any], name: str, kind: str, wanted: Mapping[str, Any]) -> bool:
    if kind == "stringEqual":
        return bool(alert.get(name) == wanted.get("value"))
    if kind == "stringIn":
        return alert.get(name) in (wanted.get("values") or ())
    moment, start, end = _moment(alert, name), wanted.get("start"), wanted.get("end")
    if moment is None:
        return False
    after = start is None or moment > start * 1000 or (moment == start * 1000 and wanted.get("startInclusive", True))
    before = end is None or moment < end * 1000 or (moment == end * 1000 and wanted.get("endInclusive", True))
    return after and before


def _moment(alert: Any, name: str) -> int | None:
    text = alert.get(name) if isinstance(alert, dict) else None
    return _read_moment(text) if isinstance(text, str) else None


_read_moment = lru_cache(maxsize=1 << 17)(parse_zoned)  # the same ones are compared for each page

Row = tuple[int, int, State]


def _page(rows: list[Row], query: Query, sort: Mapping[str, Any]) -> Reply:
    first = _DEFAULT if query.arguments.get("first") is None else query.arguments["first"]
    if not 1 <= first <= _MOST:
        raise refuse(f"first must be between 1 and {_MOST}", "BAD_REQUEST")
    if query.arguments.get("after"):
        after, is_up = _decode_cursor(query.arguments["after"], sort), sort.get("order") == "ASC"
        rows = [row for row in rows if (row[:2] > after if is_up else row[:2] < after)]
    page = rows[:first]
    end = _encode_cursor(page[-1], sort) if page else None
    info = {"hasNextPage": len(page) < len(rows), "endCursor": end}
    wanted = (query.selection.get("edges") or {}).get("node")
    nodes = b",".join(b'{"node":' + _serve(state, wanted) + b"}" for _, _, state in page)
    body = b'{"data":{"alerts":{"edges":[' + nodes + b'],"pageInfo":' + orjson.dumps(info) + b"}}}"
    return Reply(200, body, facts={"entries": len(page)})


def _serve(state: State, wanted: Selection | None) -> bytes:
    """Return an alert as a page has it: in its own bytes if all of it is asked for, or orjson cannot write it."""
    shown = project(wanted, state.event)
    with suppress(orjson.JSONEncodeError):  # nested too deeply
        return state.payload if shown == state.event else orjson.dumps(shown)
    return state.payload


def _encode_cursor(row: Row, sort: Mapping[str, Any]) -> str:
    return base64.b64encode(orjson.dumps([sort["by"], sort.get("order"), *row[:2]])).decode()


def _decode_cursor(text: str, sort: Mapping[str, Any]) -> tuple[int, int]:
    try:
        by, order, value, serial = orjson.loads(base64.b64decode(text, validate=True))
    except (ValueError, TypeError):
        raise refuse("Invalid cursor", "BAD_REQUEST") from None
    if (by, order) != (sort["by"], sort.get("order")):
        raise refuse("The cursor belongs to another sorting", "BAD_REQUEST")
    return value, serial
