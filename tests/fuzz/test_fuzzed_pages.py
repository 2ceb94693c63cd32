"""Any requests to the pages: an answer, or one sentence about the error in the request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from ci_operators.pages.application import make_application
from tests.fuzz.choices import Choices
from tests.fuzz.conftest import Fuzz
from tests.fuzz.errors import check_plain
from tests.fuzz.odd import WAITS, odd_text
from tests.pages.conftest import add_run
from tests.vendor_cases import SECRETS

SENSIBLE = ("collective_insights_okta", "run", "okta", "dropped", "filter", "198.51.100.7", "event-1", "2026-03-10")
ODD = (
    "-1", "9" * 30, "..", "../../etc/passwd", "a\0b", "%", "_", "\\", "0001-01-01", "9999-12-31T23:59:59Z", "[",
    "e" * 9000,
)  # fmt: skip
#: Statuses of an answer, an invalid request, and a missing resource. 503: an export with a missing part.
EXPECTED = (200, 400, 404)


def test_pages(fuzz: Fuzz, client: TestClient, ledger: Connection, metadata: Session) -> None:
    del ledger
    add_run(metadata, "okta", "run")
    fuzz("pages", lambda choices: ask(choices, client), 0.4)


def ask(choices: Choices, client: TestClient) -> str:
    """Return the outcome of one request."""
    path, names = choices.pick(ROUTES)
    path = path.replace("{what}", quote(choices.pick(("days", "reasons", _encodable(odd_text(choices)[:50])))))
    path = path.replace("{form}", choices.pick(("csv", "json", "x")))
    asked = [(name, _value(choices)) for name in names if not choices.happens(4)]
    answer = client.get(path, params=asked + asked[: choices.below(2)])
    assert answer.status_code in EXPECTED, f"{answer.status_code} {answer.text[:200]} to {path} {asked}"
    assert not any(token in answer.text for token in set(SECRETS) - {value for _, value in asked})
    if answer.headers["content-type"].startswith("application/json"):
        check_plain(answer.json())
    return f"{path[:30]} {answer.status_code}"


def _value(choices: Choices) -> str:
    kind = choices.below(4)
    if kind == 0:
        return choices.pick(SENSIBLE)
    text = choices.pick(choices.pick((ODD, WAITS))) if kind == 1 else odd_text(choices)
    return _encodable(text)[:20_000]


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _names(dependant: Any) -> Iterator[str]:
    """Yield the query parameters of a route and of its dependencies."""
    yield from (parameter.alias for parameter in dependant.query_params)
    for other in dependant.dependencies:
        yield from _names(other)


#: Each path, and the names of its query parameters.
ROUTES = [
    (route.path, sorted(set(_names(route.dependant))))
    for route in make_application().routes
    if isinstance(route, APIRoute)
]
