"""The terms of filter expressions: which attributes exist, and how a value is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from simulator.okta.refusals import invalid_combination, invalid_search

Test = Callable[[Any], bool]
Literal = str | int | float | bool | None

_FREE_ROOTS: Final = ("debugContext.debugData.", "transaction.detail.", "device.")
_PERSON: Final = ("id", "type", "alternateId", "displayName", "detailEntry")
_PLACE: Final = ("city", "state", "country", "postalCode", "geolocation.lat", "geolocation.lon")
ATTRIBUTES: Final = frozenset({
    "uuid", "eventType", "legacyEventType", "version", "severity", "displayMessage", "published",
    "actor", "client", "outcome", "target", "transaction", "debugContext", "debugContext.debugData",
    "request", "securityContext", "authenticationContext", "device", "request.ipChain", "client.userAgent",
    *(f"actor.{name}" for name in _PERSON),
    *(f"target.{name}" for name in _PERSON),
    "outcome.result", "outcome.reason", "transaction.id", "transaction.type",
    "client.id", "client.ipAddress", "client.zone", "client.device",
    *(f"client.userAgent.{name}" for name in ("rawUserAgent", "os", "browser")),
    *(f"client.geographicalContext.{name}" for name in _PLACE),
    *(f"request.ipChain.{name}" for name in ("ip", "version", "source")),
    *(f"request.ipChain.geographicalContext.{name}" for name in _PLACE),
    *(f"securityContext.{name}" for name in ("asNumber", "asOrg", "isp", "domain", "isProxy")),
    *(
        f"authenticationContext.{name}"
        for name in ("authenticationProvider", "authenticationStep", "credentialProvider", "credentialType",
                     "externalSessionId", "interface", "issuer.id", "issuer.type", "rootSessionId")
    ),
})  # fmt: skip
_NO_CONTAINS: Final = ("debugContext.debugData.url", "debugContext.debugData.requestUri")


def check_attribute(path: str, operator: str) -> None:
    """Refuses an attribute the log does not know, or one that does not take the operator."""
    if path == "published":
        raise invalid_combination("use since and until instead of published")
    if path not in ATTRIBUTES and not path.startswith(_FREE_ROOTS):
        raise invalid_search(f"unknown attribute {path}")
    if operator == "co" and path in _NO_CONTAINS:
        raise invalid_combination(f"co is not supported for {path}")


def present(path: str) -> Test:
    """Returns the test whether an attribute has a value."""
    parts = tuple(path.split("."))
    return lambda event: any(value not in (None, "", [], {}) for value in _values(event, parts))


def comparison(path: str, operator: str, literal: Literal) -> Test:
    """Returns the test of one attribute against one literal; any element of a list may match."""
    parts = tuple(path.split("."))
    if operator == "ne":
        return lambda event: all(value != literal for value in _values(event, parts))
    if operator == "eq":
        return lambda event: any(value == literal for value in _values(event, parts))
    compare = _COMPARISONS[operator]
    if not isinstance(literal, str):
        if operator in ("sw", "ew", "co") or literal is None or isinstance(literal, bool):
            raise invalid_combination(f"{operator} does not take that value")
        return lambda event: any(_is_number(value) and compare(value, literal) for value in _values(event, parts))
    return lambda event: any(isinstance(value, str) and compare(value, literal) for value in _values(event, parts))


_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "sw": lambda value, literal: value.startswith(literal),
    "ew": lambda value, literal: value.endswith(literal),
    "co": lambda value, literal: literal in value,
    "gt": lambda value, literal: value > literal,
    "ge": lambda value, literal: value >= literal,
    "lt": lambda value, literal: value < literal,
    "le": lambda value, literal: value <= literal,
}
OPERATORS: Final = frozenset({"eq", "ne", "pr", *_COMPARISONS})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _values(event: Any, parts: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(event, list):
        for item in event:
            yield from _values(item, parts)
    elif not parts:
        yield event
    elif isinstance(event, dict):
        yield from _values(event.get(parts[0]), parts[1:])
    else:
        yield None
