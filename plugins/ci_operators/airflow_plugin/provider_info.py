"""What Airflow has to know to show the Connections' forms. Read by every process of Airflow: no imports here.

Airflow 3.3's form knows of each standard field a title and a placeholder, of each further one (kept in the
Connection's extra) a title, a help text, a section, and of its JSON Schema type, enum and `format: password`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OKTA_APP = "OAuth 2.0 service app (in place of the API token)"
_NETWORK = "Network"
_SHARED = "Shared database"
_ENCRYPTION = "Encryption (TLS)"
_TEXT = ["string", "null"]

#: Fields that mean nothing to a vendor: the URL has its port and scheme, and nobody logs in by name.
_HIDDEN = ("schema", "login", "port")


def get_provider_info() -> dict[str, Any]:
    """Return the description of this package as a provider of connection types."""
    return {
        "package-name": "collective-insights-airflow",
        "name": "Recorded Future Collective Insights",
        "description": "Okta and SentinelOne detections for Recorded Future Collective Insights.",
        "connection-types": [_okta(), _sentinelone(), _recorded_future(), _ledger()],
    }


def _okta() -> dict[str, Any]:
    return _connection_type(
        "okta",
        "Okta",
        "ci_operators.hooks.okta.OktaHook",
        url=("URL", "Server URL to access your Okta instance, like https://acme.okta.com"),
        token=("API Token", "Okta API Token with Read Only Admin privilege (Security > API > Tokens)"),
        fields=_service_app_fields(),
    )


def _sentinelone() -> dict[str, Any]:
    return _connection_type(
        "sentinelone",
        "SentinelOne",
        "ci_operators.hooks.sentinelone.SentinelOneHook",
        url=("Instance URL", "URL in the address bar when logged in, like https://acme.sentinelone.net"),
        token=("API Key", "Settings > Users > Current User > Generate API Token (Viewer suffices)"),
    )


def _recorded_future() -> dict[str, Any]:
    return _connection_type(
        "recorded_future",
        "Recorded Future",
        "ci_operators.hooks.recorded_future.RecordedFutureHook",
        url=("URL", "Empty: https://api.recordedfuture.com"),
        token=("API Token", "Collective Insights API token, from Recorded Future's support"),
    )


def _ledger() -> dict[str, Any]:
    """Return a type of our own: the form lists PostgreSQL's only where its provider is installed."""
    return {
        "connection-type": "collective_insights_ledger",
        "hook-name": "Collective Insights ledger",
        "hook-class-name": "ci_operators.hooks.ledger.LedgerHook",
        "ui-field-behaviour": {
            "hidden-fields": [],
            "relabeling": {"schema": "Database"},
            "placeholders": {
                "host": "PostgreSQL server, like db.acme.example",
                "port": "5432",
                "schema": "collective_insights",
            },
        },
        "conn-fields": _ledger_fields(),
    }


def _connection_type(
    name: str,
    title: str,
    hook: str,
    *,
    url: tuple[str, str],
    token: tuple[str, str],
    fields: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    return {
        "connection-type": name,
        "hook-name": title,
        "hook-class-name": hook,
        "ui-field-behaviour": {
            "hidden-fields": list(_HIDDEN),
            "relabeling": {"host": url[0], "password": token[0]},
            "placeholders": {"host": url[1], "password": token[1]},
        },
        "conn-fields": {**(fields or {}), **_network_fields()},
    }


def _service_app_fields() -> dict[str, Any]:
    return {
        "auth": {
            "label": "Sign in with",
            "description": "What the DAG proves itself with: the API Token above, or the service app below.",
            "schema": {
                "type": _TEXT,
                "enum": ["ssws", "oauth2"],
                "values_display": {"ssws": "API Token (SSWS)", "oauth2": "OAuth 2.0 service app"},
                "default": "ssws",
                "section": _OKTA_APP,
            },
        },
        "client_id": {
            "label": "Client ID",
            "description": (
                "Of an app of type API Services, on its General tab in the Admin Console. The app needs the scope "
                "okta.logs.read (Okta API Scopes), the role Read-only Administrator (Admin roles), Public key / "
                "Private key as client authentication, and DPoP switched off."
            ),
            "schema": {"type": _TEXT, "section": _OKTA_APP},
        },
        "private_key": {
            "label": "Private key",
            "description": (
                "Of the pair whose public half the app has: PEM or JSON (JWK), the whole of it. Line breaks may get "
                "lost in pasting. Airflow stores it encrypted and never shows it."
            ),
            "schema": {"type": _TEXT, "format": "password", "section": _OKTA_APP},
        },
        "kid": {
            "label": "Key ID",
            "description": "The key's KID on the app's General tab; needed only if the app has several keys.",
            "schema": {"type": _TEXT, "section": _OKTA_APP},
        },
    }


def _ledger_fields() -> dict[str, Any]:
    return {
        "ledger_schema": {
            "label": "Schema",
            "description": "The ledger's own in a database that others use too; it has to exist. Empty: the usual one.",
            "schema": {"type": _TEXT, "section": _SHARED},
        },
        "sslmode": {
            "label": "SSL mode",
            "description": (
                "As PostgreSQL's clients have it: verify-full also makes sure that it is the right server, prefer "
                "encrypts if the server can."
            ),
            "schema": {
                "type": _TEXT,
                "enum": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
                "default": "prefer",
                "section": _ENCRYPTION,
            },
        },
        "sslrootcert": {
            "label": "CA file",
            "description": (
                "For verify-ca and verify-full: path, on workers and API server, of a PEM file with the certificate "
                "authorities to trust. With verify-full also the word system: the usual ones."
            ),
            "schema": {"type": _TEXT, "section": _ENCRYPTION},
        },
    }


def _network_fields() -> dict[str, Any]:
    return {
        "proxy": {
            "label": "Proxy",
            "description": "If the workers reach the internet through one only, like http://proxy.acme.example:3128.",
            "schema": {"type": _TEXT, "section": _NETWORK},
        },
        "verify": {
            "label": "CA file",
            "description": (
                "If a proxy opens TLS: path, on the workers, of a PEM file with the certificate authorities to trust. "
                "Empty: the usual ones."
            ),
            "schema": {"type": _TEXT, "section": _NETWORK},
        },
    }
