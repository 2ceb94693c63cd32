"""OAuth 2.0 client credentials (RFC 6749, 4.4): access tokens for a client secret or a signed assertion (RFC 7523)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from msgspec import Meta, Struct

from ci_operators.core.errors import ConfigurationError, CredentialsError, UnreadableAnswerError
from ci_operators.transport.api import Credentials
from ci_operators.transport.auth import Flow, Request
from ci_operators.transport.elements import decode_answer
from ci_operators.transport.token import check_token
from ci_operators.transport.vendor import Answer, Vendor, read_error

FORM_TYPE = "application/x-www-form-urlencoded"
#: A token is replaced this long before it expires, so that it does not expire during a request.
MARGIN_S = 60.0


class AccessToken(Struct, frozen=True):
    """The token endpoint's answer."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - not a secret
    expires_in: Annotated[float, Meta(le=1e9)] = 300.0


#: Some endpoints write `expires_in` as a text, which could be "nan".
_decoder = msgspec.json.Decoder(AccessToken, strict=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """The form of a token request. secret: the value in it that logs and errors must not show."""

    form: Mapping[str, str] = field(repr=False)
    secret: str = field(repr=False)


#: Returns the form of a token request at an instant (seconds since 1970).
MakeGrant = Callable[[float], Grant]


def key_grant(
    credentials: Credentials,
    scope: str,
    audience: str,
    *,
    where_client_id: str,
    where_key: str,
    where_thumbprint: str = "",
) -> MakeGrant:
    """Return what makes token requests with an assertion signed by a private key (private_key_jwt).

    client_id, private_key, and an optional kid come from the Connection's extra. where_client_id: the place to copy
    the id from; where_key: "the Okta Admin Console showed it". where_thumbprint: the sentence that says where to copy
    the thumbprint of the key's certificate from, for an endpoint that identifies the key by it: it is in the extra, and
    client_id is in the form. Raises ConfigurationError, with Connection and field.
    """
    from ci_operators.transport.private_key import (  # PyJWT and cryptography take 0.1 s, which API tokens do not need
        ASSERTION_TYPE,
        name_certificate,
        read_private_key,
        sign_assertion,
    )

    options, client_id = credentials.options, _read_client_id(credentials, where_client_id)
    label = f"Connection {credentials.conn_id}"
    key = read_private_key(options.get("private_key"), f"{label}: private_key", where_key)
    if where_thumbprint:
        key = name_certificate(key, options.get("thumbprint"), f"{label}: thumbprint", where_thumbprint)
    named = {"client_id": client_id} if where_thumbprint else {}
    kid = str(options.get("kid") or "").strip() or key.kid

    def make_grant(now: float) -> Grant:
        assertion = sign_assertion(key, client_id, audience, now, kid)
        form = {"scope": scope, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        return Grant({**named, **form}, assertion)

    return make_grant


def secret_grant(
    credentials: Credentials,
    scope: str,
    *,
    where_client_id: str,
    where_secret: str,
    form: Mapping[str, str] | None = None,
) -> MakeGrant:
    """Return what makes token requests with a client secret: client_id from the extra, the secret from the password.

    form: the vendor's other fields of the form.
    """
    client_id = _read_client_id(credentials, where_client_id)
    label = f"Connection {credentials.conn_id}: password"
    secret = check_token(credentials.token, label=label, where=where_secret)
    whole = {"client_id": client_id, "client_secret": secret, **({"scope": scope} if scope else {}), **(form or {})}
    return lambda _now: Grant(whole, secret)


def _read_client_id(credentials: Credentials, where: str) -> str:
    client_id = str(credentials.options.get("client_id") or "").strip()
    if not client_id:
        raise ConfigurationError(f"Connection {credentials.conn_id}: client_id is empty. Copy it from {where}.")
    return client_id


def read_oauth_error(body: bytes) -> tuple[str, str]:
    """Return the error code of a token endpoint's error, and code with description; "" if there are none."""
    code = read_error(body, lambda error: [error.get("error")])
    return code, read_error(body, lambda error: [error.get("error"), error.get("error_description")])


@dataclass
class ClientCredentials:
    """Keeps an access token while it is valid, and requests the next one before it expires.

    endpoint: the token endpoint's vendor. path, base_url: its URL (base_url "": the API's own host).
    mask: is called with every secret.
    refused_types: what to do about a token type other than a bearer token, by type in lower case.
    check_answer: raises an error if the answer with a token says that the token does not work here.
    """

    endpoint: Vendor
    path: str
    make_grant: MakeGrant = field(repr=False)
    mask: Callable[[str], None] = field(repr=False)
    base_url: str = ""
    refused_types: Mapping[str, str] = field(default_factory=dict)
    check_answer: Callable[[Answer], None] = lambda _answer: None
    _token: str = field(default="", repr=False)
    _expires_at: float = 0.0
    _secrets: set[str] = field(default_factory=set, repr=False)
    _asked_with: str = field(default="", repr=False)

    def flow(self, request: Request, now: float) -> Flow:
        """Yield the request with a valid token. After a 401 (the token was revoked) try once more with a new token."""
        if not self._token or now >= self._expires_at:
            self._take((yield self._ask(now)), now)
        answer = yield self._sign(request)
        if answer.status == 401:
            self._expires_at = 0.0
            self._take((yield self._ask(now)), now)
            yield self._sign(request)

    def hide(self, words: str) -> str:
        """Return the text without any token so far (a replaced one can still be valid) and without the last secret."""
        for secret in sorted(filter(None, (*self._secrets, self._asked_with)), key=len, reverse=True):
            words = words.replace(secret, "***")
        return words

    def _sign(self, request: Request) -> Request:
        return replace(request, header=("Authorization", f"Bearer {self._token}"))

    def _ask(self, now: float) -> Request:
        grant = self.make_grant(now)
        self.mask(grant.secret)
        self._asked_with = grant.secret
        form = urlencode({"grant_type": "client_credentials", **grant.form}).encode()
        return Request("POST", self.path, None, form, FORM_TYPE, vendor=self.endpoint, base_url=self.base_url)

    def _take(self, answer: Answer, now: float) -> None:
        self.check_answer(answer)
        title = self.endpoint.title
        granted = decode_answer(answer.body, _decoder, title)
        if (refusal := self.refused_types.get(granted.token_type.lower())) is not None:
            raise CredentialsError(f"{title} issued a token of type {granted.token_type[:20]!r}: {refusal}")
        token = granted.access_token
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise UnreadableAnswerError(f"{title} answered 200 without a usable access token.")
        self.mask(token)
        self._secrets.add(token)
        self._token = token
        self._expires_at = now + max(granted.expires_in - MARGIN_S, granted.expires_in / 2)
