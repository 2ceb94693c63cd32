"""Everything of a running Airflow that a user can read: each place with its text, to search it for secrets."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from ci_operators.pages.application import make_application
from ci_operators.staging.artifact import SUFFIX
from local_airflow.postgres import PostgresAddress
from tests.artifacts import read_all
from tests.end_to_end.conftest import Installation

#: A place, and its text.
Text = tuple[str, str]
#: Parts of paths in Airflow's REST API that are not requested, and why.
NOT_ASKED = {
    "asset_alias_id": "there are no aliases",
    "section": "Airflow's own configuration, which is not exposed",
    "variable_key": "there are no variables",
    "backfill_id": "holds the ids of runs and the same configuration as their runs",
}


def find(secrets: Iterable[str], texts: Iterable[Text]) -> dict[str, list[str]]:
    """Return the secrets in the texts, by place, including in Base64 and as a part of a URL."""
    shapes = {secret: _shapes(secret) for secret in secrets}
    found = {
        place: [secret for secret, forms in shapes.items() if any(form in text for form in forms)]
        for place, text in texts
    }
    return {place: secrets for place, secrets in found.items() if secrets}


def _shapes(secret: str) -> set[str]:
    # Base64 of a text depends on its offset: each of three offsets gives another middle part.
    packed = {base64.b64encode(b"x" * shift + secret.encode()).decode()[4:-4] for shift in range(3)}
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], *(form for form in packed if len(form) > 8)}


def logs(installation: Installation) -> Iterator[Text]:
    """Yield every log of tasks and of Airflow's processes."""
    for folder in (installation.settings.folder / "airflow" / "logs", installation.settings.logs):
        for path in folder.rglob("*"):
            if path.is_file():
                yield str(path), path.read_text(encoding="utf-8", errors="replace")


def tables(postgres: PostgresAddress, database: str) -> Iterator[Text]:
    """Yield every table of a database as text."""
    with closing(postgres.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SET bytea_output = 'escape'")  # otherwise bytes are shown in hexadecimal, and no word is found
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT coalesce(string_agg(t::text, chr(10)), '') FROM \"{table}\" t")  # noqa: S608
            yield table, cursor.fetchone()[0]


def staged_files(installation: Installation) -> list[Path]:
    """Return all files of the staging area."""
    return [path for path in installation.settings.staging.rglob("*") if path.is_file()]


def staged_names(installation: Installation) -> Iterator[Text]:
    """Yield the names of all files and folders of the staging area."""
    base = installation.settings.staging
    return ((str(path), str(path.relative_to(base))) for path in base.rglob("*"))


def staged_records(installation: Installation) -> Iterator[Text]:
    """Yield the contents of the artifacts."""
    for path in staged_files(installation):
        assert path.name.endswith(SUFFIX), "a file of another kind: how is it read?"
        yield str(path), b"\n".join(read_all(path)).decode(errors="replace")


def processes(installation: Installation, what: str) -> Iterator[Text]:
    """Yield `cmdline` or `environ` of all processes of this Airflow, as other users of the machine see them."""
    home = f"AIRFLOW_HOME={installation.settings.folder / 'airflow'}".encode()
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and home in (entry / "environ").read_bytes().split(b"\0"):
                text = (entry / what).read_bytes().replace(b"\0", b"\n").decode(errors="replace")
                yield f"{entry.name} {what}", text


def page_routes() -> dict[str, list[str]]:
    """Return the names of the query parameters of each route of our pages, from the application itself."""
    routes = [route for route in make_application().routes if isinstance(route, APIRoute)]
    return {route.path: list(_query_names(route.dependant)) for route in routes}


def _query_names(dependant: Dependant) -> Iterator[str]:
    yield from (str(field.name) for field in dependant.query_params)
    for each in dependant.dependencies:
        yield from _query_names(each)


def pages(
    session: requests.Session, base: str, asked: Mapping[str, str], forms: Mapping[str, Iterable[str]]
) -> Iterator[Text]:
    """Yield the answer of every route of our pages. asked: the value of each query parameter; all are required.

    forms: the values of the path parameters.
    """
    for path, names in page_routes().items():
        wanted = {name: asked[name] for name in names if asked[name]}
        holes = [name for name in forms if f"{{{name}}}" in path]
        for values in itertools.product(*(forms[name] for name in holes)):
            filled = path.format(**dict(zip(holes, values, strict=True)))
            answer = session.get(f"{base}/collective-insights{filled}", params=wanted, timeout=60)
            assert answer.ok, f"{answer.url}: {answer.text[:300]}"
            yield filled, answer.text


def airflow_rest(session: requests.Session, base: str, known: Mapping[str, Sequence[str]]) -> Iterator[Text]:
    """Yield the answer of every GET of Airflow's REST API.

    known: values of the path parameters, and of the required query parameters.
    """
    described: dict[str, Any] = session.get(f"{base}/openapi.json", timeout=60).json()
    for path, methods in described["paths"].items():
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        asked = {each["name"]: known[each["name"]][0] for each in _required(methods.get("get", {}))}
        if "get" not in methods or not path.startswith("/api/v2/") or set(names) & set(NOT_ASKED):
            continue
        for values in itertools.product(*(known[name] for name in names)):
            filled = path
            for name, value in zip(names, values, strict=True):
                filled = filled.replace(f"{{{name}}}", quote(value, safe=""))
            answer = session.get(f"{base}{filled}", params=asked, timeout=60, headers={"Accept": "application/json"})
            yield f"{filled} {answer.status_code}", answer.text


def _required(operation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the required query parameters of a GET of the REST API."""
    asked = operation.get("parameters", [])
    return [each for each in asked if each["in"] == "query" and each.get("required")]
