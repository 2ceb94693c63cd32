"""The query of `GET /security/alerts_v2`, as strict as its reference.

The reference lists the properties of filters. It does not list `$orderby`, which live tenants accept.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from simulator.book import TIMELESS, Shown
from simulator.defender.refusals import invalid
from simulator.exchange import Call
from simulator.instants import parse_zoned

TIMES: Final = ("createdDateTime", "lastUpdateDateTime")
_WORDS: Final = ("assignedTo", "classification", "determination", "severity", "serviceSource", "status")
_TERM: Final = re.compile(r"(\w+) (eq|ne|ge|gt|le|lt) ('[^']*'|[^' ]+)")
_PARAMETERS: Final = ("$filter", "$orderby", "$top", "$skip", "$count", "$skiptoken")
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "ge": lambda left, right: left >= right,
    "gt": lambda left, right: left > right,
    "le": lambda left, right: left <= right,
    "lt": lambda left, right: left < right,
}

Term = tuple[str, str, Any]


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """A validated query. after: the place of the last alert read; turn: number of pages read."""

    terms: tuple[Term, ...]
    order: str
    is_descending: bool
    top: int
    skip: int
    after: tuple[int, int] | None
    turn: int
    given: dict[str, str]

    def selects(self, shown: Shown) -> bool:
        """Return whether an alert meets the filter; an alert without a readable time always does."""
        record, state = shown
        times = {"createdDateTime": record.created, "lastUpdateDateTime": state.updated}
        if record.created == TIMELESS:
            return True
        return all(
            _COMPARE[operator](times[name] if name in times else state.event.get(name), value)
            for name, operator, value in self.terms
        )

    def place(self, shown: Shown) -> tuple[int, int]:
        """Return the place of an alert in the order."""
        record, state = shown
        time = record.created if self.order == "createdDateTime" else state.updated
        return (-time, -record.serial) if self.is_descending else (time, record.serial)

    def next_link(self, call: Call, place: tuple[int, int]) -> str:
        """Return the link to the page after a place."""
        kept = {name: text for name, text in self.given.items() if name != "$skiptoken"}
        plain = [*place, self.turn + 1]
        token = base64.urlsafe_b64encode(orjson.dumps([*plain, _seal(plain, kept)])).decode()
        return f"{call.origin}{call.path}?{urlencode({**kept, '$skiptoken': token}, safe='$')}"


def read_query(call: Call) -> AlertQuery:
    """Return the query; refuse what is not in the reference."""
    given = dict(call.pairs)
    unknown = [name for name in given if name not in _PARAMETERS]
    if unknown or len(given) != len(call.pairs):
        raise invalid(f"Query option '{(unknown or [''])[0]}' is not allowed or repeated.")
    order, _, direction = given.get("$orderby", "createdDateTime desc").partition(" ")
    if order not in TIMES or direction not in ("", "asc", "desc"):
        raise invalid(f"The orderby clause '{given['$orderby']}' is not valid.")
    after, turn = _read_token(given) if "$skiptoken" in given else (None, 0)
    return AlertQuery(
        terms=tuple(map(_read_term, given["$filter"].split(" and "))) if "$filter" in given else (),
        order=order,
        is_descending=direction == "desc",
        top=_read_number(given, "$top", 100, 1000),
        skip=_read_number(given, "$skip", 0, 500),
        after=after,
        turn=turn,
        given=given,
    )


def _read_term(text: str) -> Term:
    match = _TERM.fullmatch(text.strip())
    if match is None:
        raise invalid(f"Invalid filter clause: syntax error in '{text}'.")
    name, operator, value = match.groups()
    if name in TIMES:
        moment = parse_zoned(value, max_fraction_digits=7)
        if moment is None:
            raise invalid(f"Invalid filter clause: '{value}' is not a DateTimeOffset.")
        return name, operator, moment
    if name not in _WORDS or not value.startswith("'") or operator not in ("eq", "ne"):
        raise invalid(f"Invalid filter clause: could not filter by '{text}'.")
    return name, operator, value.strip("'")


def _read_number(given: dict[str, str], name: str, default: int, most: int) -> int:
    text = given.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) > most:
        raise invalid(f"Invalid value '{text}' for {name}: the limit is {most}.")
    return int(text)


def _read_token(given: dict[str, str]) -> tuple[tuple[int, int], int]:
    try:
        time, serial, turn, seal = orjson.loads(base64.urlsafe_b64decode(given["$skiptoken"]))
    except (ValueError, TypeError):
        raise invalid("The skip token is not valid.") from None
    if seal != _seal([time, serial, turn], {name: text for name, text in given.items() if name != "$skiptoken"}):
        raise invalid("The skip token does not belong to this query.")
    return (time, serial), turn


def _seal(plain: list[int], kept: dict[str, str]) -> str:
    text = repr((plain, sorted(kept.items()))).encode()
    return hashlib.blake2b(text, key=b"simulator", digest_size=8).hexdigest()
