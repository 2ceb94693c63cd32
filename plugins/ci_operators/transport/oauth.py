"""OAuth 2.0 client credentials (RFC 6749, 4.4): access tokens by a client secret or a signed assertion (RFC 7523)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from ci_operators.core.errors import ConfigurationError, CredentialsError, UnreadableAnswerError
from ci_operators.transport.api import Credentials
from ci_operators.transport.auth import Flow, Request
from ci_operators.transport.elements import decode_answer
from ci_operators.transport.token import check_token
from ci_operators.transport.vendor import Answer, Vendor, read_error

FORM_TYPE = "application/x-www-form-urlencoded"
#: A token is replaced this long before it expires, so that no request starts with one that expires on its way.
MARGIN_S = 60.0


class AccessToken(Struct, frozen=True):
    """The token endpoint's answer."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - not a secret
    expires_in: float = 300.0


_decoder = msgspec.json.Decoder(AccessToken)


@dataclass(frozen=True, slots=True)
class Grant:
    """The form of a token request. secret: the value in it that no log and no error may show."""

    form: Mapping[str, str] = field(repr=False)
    secret: str = field(repr=False)


#: Gives the form of a token request at an instant (seconds since 1970).
MakeGrant = Callable[[float], Grant]


def key_grant(
    credentials: Credentials, scope: str, audience: str, *, where_client_id: str, where_key: str
) -> MakeGrant:
    """Return what asks for a token with an assertion signed by a private key (private_key_jwt).

    client_id, private_key and, if need be, kid come from the Connection's extra. where_client_id: the place to copy
    the id from; where_key: "the Okta Admin Console showed it". Raises ConfigurationError naming Connection and field.
    """
    from ci_operators.transport.private_key import (  # PyJWT and cryptography: 0.1 s that an API token does not cost
        ASSERTION_TYPE,
        read_private_key,
        sign_assertion,
    )

    options, client_id = credentials.options, _read_client_id(credentials, where_client_id)
    key = read_private_key(options.get("private_key"), f"Connection {credentials.conn_id}: private_key", where_key)
    kid = str(options.get("kid") or "").strip() or key.kid

    def make_grant(now: float) -> Grant:
        assertion = sign_assertion(key, client_id, audience, now, kid)
        form = {"scope": scope, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        return Grant(form, assertion)

    return make_grant


def secret_grant(credentials: Credentials, scope: str, *, where_client_id: str, where_secret: str) -> MakeGrant:
    """Return what asks for a token with a client secret: client_id from the extra, the secret from the password."""
    client_id = _read_client_id(credentials, where_client_id)
    label = f"Connection {credentials.conn_id}: password"
    secret = check_token(credentials.token, label=label, where=where_secret)
    form = {"client_id": client_id, "client_secret": secret, **({"scope": scope} if scope else {})}
    return lambda _now: Grant(form, secret)


def _read_client_id(credentials: Credentials, where: str) -> str:
    client_id = str(credentials.options.get("client_id") or "").strip()
    if not client_id:
        raise ConfigurationError(f"Connection {credentials.conn_id}: client_id is empty. Copy it from {where}.")
    return client_id


def read_oauth_error(body: bytes) -> tuple[str, str]:
    """Return the error code of a token endpoint's refusal, and code and description in words; "" without them."""
    code = read_error(body, lambda error: [error.get("error")])
    return code, read_error(body, lambda error: [error.get("error"), error.get("error_description")])


@dataclass
class ClientCredentials:
    """Keeps an access token for its life and asks for the next one before it expires.

    endpoint: the token endpoint, for its words. path, base_url: where it is (base_url "": at the API's own host).
    mask: is given every secret.
    refused_types: what to do about a token type that is not a bearer token, by type in small letters.
    """

    endpoint: Vendor
    path: str
    make_grant: MakeGrant = field(repr=False)
    mask: Callable[[str], None] = field(repr=False)
    base_url: str = ""
    refused_types: Mapping[str, str] = field(default_factory=dict)
    _token: str = field(default="", repr=False)
    _expires_at: float = 0.0
    _secrets: set[str] = field(default_factory=set, repr=False)
    _asked_with: str = field(default="", repr=False)

    def flow(self, request: Request, now: float) -> Flow:
        """Yield the request with a valid token. After a 401 (the token was revoked) it gets one more try."""
        if not self._token or now >= self._expires_at:
            self._take((yield self._ask(now)), now)
        answer = yield self._sign(request)
        if answer.status == 401:
            self._expires_at = 0.0
            self._take((yield self._ask(now)), now)
            yield self._sign(request)

    def hide(self, words: str) -> str:
        """Return the words without any token so far (one that was replaced may still be valid) and the last proof."""
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
