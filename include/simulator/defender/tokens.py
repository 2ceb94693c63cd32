"""Entra ID's answer to `POST /{tenant}/oauth2/v2.0/token`: tokens for one app, by secret or certificate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from simulator.defender.refusals import entra_error
from simulator.exchange import Call, RefusalError, Reply, json_reply
from simulator.instants import HOUR, MINUTE, SECOND
from simulator.oauth_tokens import ASSERTION_TYPE, AccessTokens, read_form

TENANT_ID: Final = "00000000-0000-4000-8000-00000000d3fe"
CLIENT_ID: Final = "00000000-0000-4000-8000-000000000a99"
SECRET: Final = "simulator-defender-client-secret"  # noqa: S105 - invented, opens only this simulator
SECRET_WITHOUT_CONSENT: Final = "simulator-defender-no-consent"  # noqa: S105 - as above
SECRET_EXPIRED: Final = "simulator-defender-expired"  # noqa: S105 - as above
#: The tenant is in the commercial cloud.
SCOPE: Final = "https://graph.microsoft.com/.default"
AUDIENCE: Final = f"https://login.microsoftonline.com/{TENANT_ID}/oauth2/v2.0/token"
LIFE_S: Final = 3599
_ALGORITHMS: Final = {"x5t": "RS256", "x5t#S256": "PS256"}


class TokenEndpoint(AccessTokens[bool]):
    """Issues access tokens. certificates: public keys by base64url thumbprint.

    consented: secrets whose tokens have the role; Entra ID also issues tokens without it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.certificates: dict[str, Any] = {}
        self.consented = frozenset({SECRET})
        self._used: set[str] = set()

    def answer(self, call: Call) -> Reply:
        """Return the answer to a token request."""
        try:
            return self._grant(call)
        except RefusalError as refusal:
            return refusal.reply

    def _grant(self, call: Call) -> Reply:
        if call.method != "POST":
            raise entra_error("invalid_request", 900561, "The endpoint only accepts POST requests.")
        form = _read_form(call)
        if form.get("client_id") != CLIENT_ID:
            raise entra_error("unauthorized_client", 700016, "Application was not found in the directory.")
        has_role = self._identify(form, call.now)
        if form.get("scope") != SCOPE:
            raise entra_error("invalid_resource", 500011, "The resource principal was not found in the tenant.")
        token = self.issue(has_role, call.now, LIFE_S, prefix="eyJ0.")
        answer = {"token_type": "Bearer", "expires_in": LIFE_S, "ext_expires_in": LIFE_S, "access_token": token}
        return json_reply(200, answer, (("Cache-Control", "no-store"),))

    def _identify(self, form: Mapping[str, str], now: int) -> bool:
        """Return whether the app has consent; refuse a client that does not prove that it is the app."""
        if "client_assertion" in form:
            self._check_assertion(form, now)
            return True
        secret = form.get("client_secret")
        if secret is None:
            raise entra_error(
                "invalid_client", 7000218, "The body must contain client_assertion or client_secret.", 401
            )
        if secret == SECRET_EXPIRED:
            raise entra_error("invalid_client", 7000222, "The provided client secret keys are expired.", 401)
        if secret not in (SECRET, SECRET_WITHOUT_CONSENT):
            raise entra_error("invalid_client", 7000215, "Invalid client secret provided.", 401)
        return secret in self.consented

    def _check_assertion(self, form: Mapping[str, str], now: int) -> None:
        import jwt  # only a simulator that gets an assertion needs it

        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise entra_error("invalid_request", 900144, "The client_assertion_type is not valid.")
        try:
            header = jwt.get_unverified_header(form["client_assertion"])
            name = next((name for name in _ALGORITHMS if name in header), "")
            key = self.certificates.get(str(header.get(name)))
            if key is None:
                raise entra_error("invalid_client", 700027, "The certificate is not registered on application.", 401)
            claims = jwt.decode(
                form["client_assertion"],
                key,
                [_ALGORITHMS[name]],
                {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": ["exp", "nbf", "jti"]},
                audience=AUDIENCE,
                issuer=CLIENT_ID,
            )
        except jwt.PyJWTError as err:
            raise entra_error("invalid_client", 700027, f"Signature validation failed: {err}.", 401) from None
        starts_at, ends_at = claims["nbf"] * SECOND, claims["exp"] * SECOND
        is_in_time = starts_at - 5 * MINUTE <= now < ends_at <= starts_at + HOUR
        if not is_in_time or claims["jti"] in self._used or claims.get("sub") != CLIENT_ID:
            raise entra_error("invalid_client", 700024, "Client assertion is not within its valid time range.", 401)
        self._used.add(claims["jti"])


def _read_form(call: Call) -> Mapping[str, str]:
    form = read_form(call)
    if form is None:
        raise entra_error("invalid_request", 900144, "The request body is not a form.")
    if form.get("grant_type") != "client_credentials":
        raise entra_error("unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
    return form
