"""The parameters of `GET /threats` that the connectors send, each with type and bounds (Management API 2.1).

The console has more filters; here they are unknown fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from simulator.book import TIMELESS, Record, Shown, State
from simulator.instants import parse_zoned
from simulator.sentinelone.refusals import invalid, unknown_fields
from simulator.sentinelone.scenario import info_of

SORT_COLUMNS: Final = ("id", "createdAt", "updatedAt")
_WHOLE: Final = re.compile(r"-?\d{1,9}", re.ASCII)
_ID: Final = re.compile(r"\d{1,20}", re.ASCII)
_VERDICTS: Final = ("undefined", "true_positive", "false_positive", "suspicious")
_SCOPES: Final = {"accountIds": "accountId", "siteIds": "siteId"}


def read_params(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the parameters converted to their types; refuse unknown, repeated and invalid ones."""
    given: dict[str, str] = {}
    for name, text in pairs:
        if name in given:
            raise invalid(f"{name}: Repeated; lists are one value with commas")
        given[name] = text
    unknown = [name for name in given if name not in _READERS]
    if unknown:
        raise unknown_fields(unknown)
    return {name: _READERS[name](name, text) for name, text in given.items()}


def is_selected(params: dict[str, Any], record: Record, state: State) -> bool:
    """Return whether a threat meets the filters; one without a readable time always does."""
    if record.created == TIMELESS:
        return True
    if not params.get("createdAt__gte", 0) <= record.created < params.get("createdAt__lt", record.created + 1):
        return False
    if not params.get("updatedAt__gte", 0) <= state.updated < params.get("updatedAt__lt", state.updated + 1):
        return False
    info, section = info_of(state.event), state.event.get("agentDetectionInfo")
    scope = section if isinstance(section, dict) else info
    members = [(record.event_id, "ids"), (info.get("analystVerdict"), "analystVerdicts")]
    members += [(scope.get(member), name) for name, member in _SCOPES.items()]
    return all(value in params[name] for value, name in members if name in params)


def sort_key(column: str) -> Callable[[Shown], tuple[int, int]]:
    """Return the key of a column, made unique by the id's number."""
    if column == "id":
        return lambda shown: (shown[0].serial, shown[0].serial)
    if column == "createdAt":
        return lambda shown: (shown[0].created, shown[0].serial)
    return lambda shown: (shown[1].updated, shown[0].serial)


def _limit(name: str, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise invalid(f"{name}: Not a valid integer.")
    if not 1 <= int(text) <= 1000:
        raise invalid(f"{name}: Must be between 1 and 1000.")
    return int(text)


def _boolean(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise invalid(f"{name}: Not a valid boolean.")
    return text.lower() == "true"


def _instant(name: str, text: str) -> int:
    moment = parse_zoned(text, max_fraction_digits=6)
    if moment is None:
        raise invalid(f"{name}: Not a valid datetime.")
    return moment


def _choice(*choices: str) -> Callable[[str, str], str]:
    def read(name: str, text: str) -> str:
        if text not in choices:
            raise invalid(f"{name}: Must be one of: {', '.join(choices)}.")
        return text

    return read


def _verdicts(name: str, text: str) -> tuple[str, ...]:
    values = tuple(text.split(","))
    for value in values:
        if value not in _VERDICTS:
            raise invalid(f"{name}: {value!r} is not a valid choice.")
    return values


def _ids(most: int) -> Callable[[str, str], tuple[str, ...]]:
    def read(name: str, text: str) -> tuple[str, ...]:
        values = text.split(",")
        if len(values) > most:
            raise invalid(f"{name}: Longer than maximum length {most}.")
        if not all(map(_ID.fullmatch, values)):
            raise invalid(f"{name}: Invalid value.")
        return tuple(values)

    return read


_READERS: Final[dict[str, Callable[[str, str], Any]]] = {
    "limit": _limit,
    "cursor": lambda _name, text: text,
    "skipCount": _boolean,
    "sortBy": _choice(*SORT_COLUMNS),
    "sortOrder": _choice("asc"),
    "ids": _ids(5000),
    **dict.fromkeys(_SCOPES, _ids(500)),
    "analystVerdicts": _verdicts,
    **{f"{column}__{bound}": _instant for column in ("createdAt", "updatedAt") for bound in ("gte", "lt")},
}
