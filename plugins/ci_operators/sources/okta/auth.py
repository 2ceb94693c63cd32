"""How to sign in to Okta: by an API token, or as an OAuth 2.0 service app (client credentials, private_key_jwt).

Source of all facts: Okta's System Log API reference, its guide "Implement OAuth for Okta with a service app", RFC 7523.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ci_operators.core.errors import ConfigurationError
from ci_operators.sources.okta import api
from ci_operators.transport.api import Api, Credentials
from ci_operators.transport.auth import Auth
from ci_operators.transport.oauth import ClientCredentials, Grant
from ci_operators.transport.token import check_token
from ci_operators.transport.vendor import Vendor

TOKEN_PATH = "/oauth2/v1/token"  # noqa: S105 - a path; the org's own server: another one gives no okta.* scopes
SCOPE = "okta.logs.read"

_DPOP = (
    'switch off "Require Demonstrating Proof of Possession (DPoP) header in token requests" in the app\'s General '
    "Settings."
)
_GRANT = f"grant {SCOPE} to the app, under its Okta API Scopes."
#: What to do about the error codes of the token endpoint.
MENDS = {
    "invalid_client": (
        "compare client_id with the app's Client ID, add the public half of private_key to the app's public keys, "
        "and look whether the worker's clock is right."
    ),
    "invalid_scope": _GRANT,
    "consent_required": _GRANT,
    "invalid_dpop_proof": _DPOP,
    "use_dpop_nonce": _DPOP,
    "unauthorized_client": "the app has to be of type API Services, with the grant type Client Credentials.",
    "unsupported_grant_type": "the app has to be of type API Services, with the grant type Client Credentials.",
    "access_denied": "a policy of the org keeps the app from getting a token.",
}


def read_token(text: str, label: str) -> tuple[str, str]:
    """Return the auth header for an API token; a pasted "SSWS " before it is taken off."""
    text = text.strip()
    if text[:5].upper() == "SSWS ":
        text = text[5:]
    return "Authorization", f"SSWS {check_token(text, label=label, where=api.HOW_TO_GET_ONE)}"


def sign_in_as_app(credentials: Credentials, base_url: str) -> tuple[Vendor, Auth]:
    """Return vendor and authentication of a service app; nothing is sent yet.

    Raises ConfigurationError naming the Connection and its field when client_id or private_key cannot be right.
    """
    from ci_operators.transport.private_key import (  # PyJWT and cryptography: 0.1 s that an API token does not cost
        ASSERTION_TYPE,
        read_private_key,
        sign_assertion,
    )

    where, options = f"Connection {credentials.conn_id}", credentials.options
    client_id = str(options.get("client_id") or "").strip()
    if not client_id:
        raise ConfigurationError(
            f"{where}: client_id is empty. Copy it from the Okta Admin Console: Applications, the service app, General."
        )
    key = read_private_key(options.get("private_key"), f"{where}: private_key", "the Okta Admin Console showed it")
    kid = str(options.get("kid") or "").strip() or key.kid

    def make_grant(now: float) -> Grant:
        assertion = sign_assertion(key, client_id, f"{base_url}{TOKEN_PATH}", now, kid)
        form = {"scope": SCOPE, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        return Grant(form, assertion)

    return APP_VENDOR, ClientCredentials(
        TOKEN_VENDOR, TOKEN_PATH, make_grant, credentials.mask, refused_types={"dpop": _DPOP}
    )


def repair_url(base_url: str) -> str:
    """Return the org's URL for its admin console's (acme-admin.okta.com), which does not serve the API."""
    url = urlsplit(base_url)
    first, dot, rest = url.netloc.partition(".")
    if first.endswith("-admin") and dot:
        return f"{url.scheme}://{first.removesuffix('-admin')}.{rest}"
    return base_url


def explain(body: bytes) -> str:
    """Return error and error_description of an error body, or what Okta's other APIs say."""
    code, description = _read_error(body)
    said = ": ".join(part for part in (code, description) if part)
    return said or api.explain(body)


def mend(status: int, body: bytes) -> str:
    """Return what to do about a refusal by the token endpoint, "" if its error says nothing of it."""
    return "" if status == 429 else MENDS.get(_read_error(body)[0], "")


def _read_error(body: bytes) -> tuple[str, str]:
    try:
        error: Any = json.loads(body)
        code, description = error.get("error"), error.get("error_description")
    except (ValueError, AttributeError, RecursionError):
        return "", ""
    return code if isinstance(code, str) else "", description if isinstance(description, str) else ""


TOKEN_VENDOR = Vendor(
    title="Okta's token endpoint",
    explain=explain,
    cooldown=api.read_cooldown,
    credentials_hint=MENDS["invalid_client"],
    permission_hint="a policy or a network zone of the org keeps the app from getting a token.",
    mend=mend,
)
APP_VENDOR = replace(
    api.VENDOR,
    credentials_hint=f"it does not take the service app's access token. Is the app active? If so, {_GRANT}",
    permission_hint=(
        "the service app may not read the System Log: give it the Read-only Administrator role on its Admin roles tab, "
        f"and {_GRANT}"
    ),
)

API = Api(
    vendor=api.VENDOR,
    url_example="https://acme.okta.com",
    read_token=read_token,
    check=api.check,
    repair_url=repair_url,
    token_word="ssws",  # noqa: S106 - Okta's word for the scheme
    sign_ins={"oauth2": sign_in_as_app},
    options=frozenset({"auth", "client_id", "private_key", "kid"}),
)
