"""The connectors and Connections of all sources and simulated vendors, and the files that list them.

`python -m local_airflow.entries` rewrites these files. Run it after you add or change a source.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import takewhile
from textwrap import indent
from typing import Any, Final

import yaml

from ci_operators.commands.reference import reference_text
from ci_operators.commands.schema import schema_text
from ci_operators.core.about import About
from ci_operators.hooks import load_vendors
from ci_operators.sources import SOURCES
from local_airflow.settings import DEMO_CONNECTORS, ROOT, Connection
from simulator.vendors import VENDORS

_DEMO_HEAD: Final = """\
# The connectors of `make demo`: all live, with the local simulator, so that every stage can be seen.
# Made by `python -m local_airflow.entries`.
"""
_STARTER_HEAD: Final = """\
# One entry for each connector: a tenant of a source, and the destination of its detections. Each becomes the DAG
# collective_insights_<name>. Credentials are in Airflow Connections, never here. All options and their defaults are in
# docs/reference.md; your editor knows them from the schema beside this file.
# debug: true is a dry run: Recorded Future checks the detections and stores nothing. Set it to false to go live.
# yaml-language-server: $schema=connectors.schema.json
"""
_DESTINATION: Final = "recorded_future_default"
#: In docker-compose.yaml: the simulator's address, and the certificate that it writes.
_COMPOSE_URL: Final = "https://simulator:8099"
_COMPOSE_EXTRA: Final = {"verify": "/opt/airflow/demo/ca.pem"}
_LEDGER: Final = {
    "conn_type": "collective_insights_ledger",
    "host": "db.acme.example",
    "port": 5432,
    "schema": "collective_insights",
    "login": "collective_insights",
    "password": "<password>",
    "extra": {"sslmode": "verify-full", "ledger_schema": "public"},
}


def demo_connections(url: str) -> tuple[Connection, ...]:
    """Return the Connections to all vendors of a simulator."""
    signing_in = ((name, tenant.sign_in) for name, tenant in VENDORS.items())
    return tuple(Connection(f"{name}_default", url, each.password, name, extra=each.extra) for name, each in signing_in)


def make_files() -> dict[str, str]:
    """Return the contents of the files, by their paths in the checkout."""
    return {
        str(DEMO_CONNECTORS.relative_to(ROOT)): _DEMO_HEAD + _write_connectors(map(_demo_connector, SOURCES)),
        "deploy/demo/connections.json": _write_connections(
            {each.conn_id: _compose_connection(each) for each in demo_connections(_COMPOSE_URL)}
        ),
        "docs/reference.md": reference_text(),
        "include/connectors.schema.json": schema_text(),
        "include/connectors.yaml": _STARTER_HEAD + _write_connectors(map(_starter_connector, SOURCES)),
        "include/connections.example.json": _write_connections(
            dict(each for name, about in load_vendors().items() for each in _example_connections(name, about))
            | {"collective_insights_ledger": _LEDGER}
        ),
    }


def _demo_connector(source: str) -> dict[str, object]:
    options = {"debug": False, "update_frequency": "5 minutes", "initial_import": "1 day"}
    return {"name": source, "source": source, **options, **VENDORS[source].demo_options}


def _starter_connector(source: str) -> dict[str, object]:
    connections = {"source_conn_id": f"{source}_default", "destination_conn_id": _DESTINATION}
    options = {"update_frequency": "30 minutes", "initial_import": "1 day", "debug": True}
    return {"name": source, "source": source, **connections, **options}


def _compose_connection(connection: Connection) -> dict[str, object]:
    extra = {**connection.extra, **_COMPOSE_EXTRA}
    return {
        "conn_type": connection.conn_type,
        "host": connection.host,
        "password": connection.password,
        "extra": extra,
    }


def _example_connections(name: str, about: About) -> Iterable[tuple[str, dict[str, object]]]:
    """Yield a Connection for each way to sign in, with placeholders for what a person fills in.

    Fields of the form above the field that selects the way belong to all ways, fields below it to the other ways.
    """
    address = {"conn_type": name, "host": about.url_example}
    token = {"password": f"<{about.title} {about.token[0]}>"}
    extra = {key: f"<{each.label}>" for key, each in about.fields.items() if not each.is_optional}
    shared = dict(takewhile(lambda item: item[0] != "auth", extra.items()))
    if not (choice := about.fields.get("auth")):
        yield f"{name}_default", {**address, **token, **({"extra": extra} if extra else {})}
        return
    for word in choice.choices:
        if word == choice.default:
            yield f"{name}_default", {**address, **token, **({"extra": shared} if shared else {})}
        else:
            yield f"{name}_by_{word}", {**address, "extra": {**extra, "auth": word}}


def _write_connectors(entries: Iterable[Mapping[str, object]]) -> str:
    texts = (yaml.safe_dump([dict(entry)], sort_keys=False) for entry in entries)
    return "connectors:\n" + "\n".join(indent(text, "  ") for text in texts)


def _write_connections(connections: Mapping[str, Any]) -> str:
    return json.dumps(connections, indent=2) + "\n"


if __name__ == "__main__":
    for path, text in make_files().items():
        (ROOT / path).write_text(text, encoding="utf-8")
