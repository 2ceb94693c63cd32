"""The description of the Connections' forms for Airflow. Every process of Airflow reads it, so its imports are few.

In Airflow 3.3 a standard field of the form has a title and a placeholder. A further one, which is kept in the
Connection's extra, has a title, a help text, a section, and from its JSON Schema type, enum and `format: password`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ci_operators.core.about import About, FormField
from ci_operators.hooks import load_vendors
from ci_operators.sources import SOURCES, load_about

#: Every vendor's form has these.
NETWORK_FIELDS = {
    "proxy": FormField(
        "Proxy",
        "If the workers reach the internet through one only, like http://proxy.acme.example:3128.",
        section="Network",
    ),
    "verify": FormField(
        "CA file",
        "If a proxy opens TLS: path, on the workers, of a PEM file with the certificate authorities to trust. "
        "Empty: the usual ones.",
        section="Network",
    ),
}
_ENCRYPTION = "Encryption (TLS)"
LEDGER_FIELDS = {
    "ledger_schema": FormField(
        "Schema",
        "The ledger's own in a database that others use too; it has to exist. Empty: the usual one.",
        section="Shared database",
    ),
    "sslmode": FormField(
        "SSL mode",
        "As PostgreSQL's clients have it: verify-full also makes sure that it is the right server, prefer encrypts "
        "if the server can.",
        section=_ENCRYPTION,
        choices={mode: mode for mode in ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")},
        default="prefer",
    ),
    "sslrootcert": FormField(
        "CA file",
        "For verify-ca and verify-full: path, on workers and API server, of a PEM file with the certificate "
        "authorities to trust. With verify-full also the word system: the usual ones.",
        section=_ENCRYPTION,
    ),
}


def get_provider_info() -> dict[str, Any]:
    """Return the description of this package as a provider of connection types."""
    vendors = [_vendor_type(name, about) for name, about in load_vendors().items()]
    titles = ", ".join(load_about(name).title for name in SOURCES)
    return {
        "package-name": "collective-insights-airflow",
        "name": "Recorded Future Collective Insights",
        "description": f"Detections for Recorded Future Collective Insights, from {titles}.",
        "connection-types": [*vendors, _ledger_type()],
    }


def _vendor_type(name: str, about: About) -> dict[str, Any]:
    return {
        "connection-type": name,
        "hook-name": about.title,
        "hook-class-name": f"ci_operators.hooks.vendor.{about.class_name}Hook",
        "ui-field-behaviour": {
            # These mean nothing to a vendor: the URL has its port and scheme, and nobody logs in by name.
            "hidden-fields": ["schema", "login", "port"],
            "relabeling": {"host": about.url[0], "password": about.token[0]},
            "placeholders": {"host": about.url[1], "password": about.token[1]},
        },
        "conn-fields": _describe_fields({**about.fields, **NETWORK_FIELDS}),
    }


def _ledger_type() -> dict[str, Any]:
    """Return the type of the ledger, because the form lists PostgreSQL's only if its provider is installed."""
    placeholders = {"host": "PostgreSQL server, like db.acme.example", "port": "5432", "schema": "collective_insights"}
    return {
        "connection-type": "collective_insights_ledger",
        "hook-name": "Collective Insights ledger",
        "hook-class-name": "ci_operators.hooks.ledger.LedgerHook",
        "ui-field-behaviour": {
            "hidden-fields": [],
            "relabeling": {"schema": "Database"},
            "placeholders": placeholders,
        },
        "conn-fields": _describe_fields(LEDGER_FIELDS),
    }


def _describe_fields(fields: Mapping[str, FormField]) -> dict[str, Any]:
    return {
        name: {"label": field.label, "description": field.help, "schema": _describe_value(field)}
        for name, field in fields.items()
    }


def _describe_value(field: FormField) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": ["string", "null"], "section": field.section}
    if field.choices:
        choices = {"enum": list(field.choices), "values_display": dict(field.choices), "default": field.default}
        schema.update(choices)
    if field.is_secret:
        schema["format"] = "password"
    return schema
