"""OAuth 2.0 for Okta: the access tokens of a service app (client credentials, private_key_jwt).

Source of all facts: Okta's guide "Implement OAuth for Okta with a service app" and RFC 7523. Imported only for
Connections that sign in so.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import jwt
import msgspec
import requests
from msgspec import Struct

from ci_operators.core.errors import ConfigurationError, CredentialsError, UnreadableAnswerError
from ci_operators.sources.okta import api
from ci_operators.sources.okta.private_key import SigningKey, read_private_key
from ci_operators.transport.api import Credentials
from ci_operators.transport.authoriser import NoHeader
from ci_operators.transport.client import Client, Vendor
from ci_operators.transport.elements import decode_answer
from ci_operators.transport.pacing import Pacer

TOKEN_PATH = "/oauth2/v1/token"  # noqa: S105 - a path; the org's own server: another one gives no okta.* scopes
SCOPE = "okta.logs.read"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM_TYPE = "application/x-www-form-urlencoded"
#: Okta allows an hour; the assertion is used at once, and clocks differ.
ASSERTION_LIFE_S = 300.0
#: A token is replaced this long before its end, so that no request starts with one that ends on its way.
MARGIN_S = 60.0

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


class AccessToken(Struct, frozen=True):
    """The token endpoint's answer."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - no secret
    expires_in: float = ASSERTION_LIFE_S


_decoder = msgspec.json.Decoder(AccessToken)


@dataclass(frozen=True, slots=True)
class ServiceApp:
    """A service app as the Connection names it."""

    client_id: str
    key: SigningKey = field(repr=False)
    kid: str | None = None

    def sign_assertion(self, audience: str, now: float) -> str:
        """Return the JWT that proves to `audience` that the app asks."""
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "exp": int(now + ASSERTION_LIFE_S),
            "jti": uuid4().hex,
        }
        kid = self.kid or self.key.kid
        return jwt.encode(claims, self.key.key, self.key.algorithm, headers={"kid": kid} if kid else None)


@dataclass
class BearerToken:
    """Keeps an access token for its life, and gets the next one before it ends. `client`: the token endpoint's."""

    app: ServiceApp
    client: Client = field(repr=False)
    mask: Callable[[str], None] = field(repr=False)
    _token: str = field(default="", repr=False)
    _given: set[str] = field(default_factory=set, repr=False)
    _ends_at: float = 0.0

    def header(self) -> tuple[str, str]:
        """Return the header with a token that is good for a while yet."""
        if not self._token or self.client.pacer.now() >= self._ends_at:
            self._fetch()
        return "Authorization", f"Bearer {self._token}"

    def renew(self) -> bool:
        """Return True: the token may have been revoked before its end, the next request gets another."""
        self._ends_at = 0.0
        return True

    def hide(self, words: str) -> str:
        """Return the words without any token so far: one that is replaced may be good for a while yet."""
        for token in sorted(self._given, key=len, reverse=True):
            words = words.replace(token, "***")
        return words

    def _fetch(self) -> None:
        now = self.client.pacer.now()
        assertion = self.app.sign_assertion(f"{self.client.base_url}{TOKEN_PATH}", now)
        self.mask(assertion)
        form = {
            "grant_type": "client_credentials",
            "scope": SCOPE,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        # Whoever has the assertion can sign in: an endpoint, or a proxy, that repeats the form must not make it known.
        client = replace(self.client, authoriser=NoHeader(assertion))
        answer = client.send("POST", TOKEN_PATH, body=urlencode(form).encode(), content_type=FORM_TYPE)
        granted = decode_answer(answer.body, _decoder, self.client.vendor.title)
        self._take(granted, now)

    def _take(self, granted: AccessToken, now: float) -> None:
        if granted.token_type.lower() == "dpop":
            raise CredentialsError(f"{self.client.vendor.title} gave a token that is bound to a key: {_DPOP}")
        token = granted.access_token
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise UnreadableAnswerError(f"{self.client.vendor.title} answered 200 with a token that is none.")
        self.mask(token)
        self._given.add(token)
        self._token = token
        self._ends_at = now + max(granted.expires_in - MARGIN_S, granted.expires_in / 2)


def open_client(credentials: Credentials, base_url: str, session: requests.Session, pacer: Pacer) -> Client:
    """Return a client of the System Log that signs in as a service app; nothing is sent yet.

    Raises ConfigurationError naming the Connection and its field when client_id or private_key cannot be right.
    """
    tokens = Client(TOKEN_VENDOR, base_url, NoHeader(), session, pacer)
    return Client(VENDOR, base_url, BearerToken(_read_app(credentials), tokens, credentials.mask), session, pacer)


def _read_app(credentials: Credentials) -> ServiceApp:
    where = f"Connection {credentials.conn_id}"
    options = credentials.options
    client_id = str(options.get("client_id") or "").strip()
    if not client_id:
        raise ConfigurationError(
            f"{where}: client_id is empty. It stands in the Okta Admin Console under Applications, on the service "
            "app's General tab."
        )
    key = read_private_key(options.get("private_key"), f"{where}: private_key")
    return ServiceApp(client_id, key, str(options.get("kid") or "").strip() or None)


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
VENDOR = replace(
    api.VENDOR,
    credentials_hint=f"it does not take the service app's access token. Is the app active? If so, {_GRANT}",
    permission_hint=(
        "the service app may not read the System Log: give it the Read-only Administrator role on its Admin roles tab, "
        f"and {_GRANT}"
    ),
)
