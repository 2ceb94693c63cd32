"""The answer to `POST /oauth2/v1/token`: access tokens for service apps (client credentials, private_key_jwt)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from simulator.exchange import Call, RefusalError, Reply, json_reply
from simulator.instants import HOUR, SECOND
from simulator.oauth_tokens import ASSERTION_TYPE, FORM_TYPE, AccessTokens, read_form
from simulator.okta.service_app import SCOPE, ServiceApp

PATH: Final = "/oauth2/v1/token"
LIFE_S: Final = 3600
_ALGORITHMS: Final = {"RSA": ["RS256", "RS384", "RS512"], "EC": ["ES256", "ES384", "ES512"]}
_MEMBERS: Final = ("grant_type", "scope", "client_assertion_type", "client_assertion")


class TokenEndpoint(AccessTokens[bool]):
    """Issues access tokens, which may read the log or not, to service apps; each assertion is good for one."""

    def __init__(self, apps: Iterable[ServiceApp]) -> None:
        super().__init__()
        self._apps = {app.client_id: app for app in apps}
        self._used: set[str] = set()
        self.assertions: list[str] = []

    def answer(self, call: Call) -> Reply:
        """Return the answer to a token request."""
        try:
            if call.method != "POST":
                raise _refusal("invalid_request", "The request method must be POST.", 405)
            return self._grant(call, _read_form(call))
        except RefusalError as refusal:
            return refusal.reply

    def _grant(self, call: Call, form: Mapping[str, str]) -> Reply:
        self.assertions.append(form["client_assertion"])
        app = self._identify(call, form["client_assertion"])
        if app.demands_dpop:
            raise _refusal("invalid_dpop_proof", "The DPoP proof JWT header is missing.")
        scopes = tuple(form["scope"].split())
        if not scopes or not set(scopes) <= set(app.scopes):
            raise _refusal("invalid_scope", "One or more scopes are not configured for the authorization server.")
        token = self.issue(app.has_role and SCOPE in scopes, call.now, LIFE_S)
        answer = {"token_type": "Bearer", "expires_in": LIFE_S, "access_token": token, "scope": " ".join(scopes)}
        return json_reply(200, answer, (("Cache-Control", "no-store"),))

    def _identify(self, call: Call, assertion: str) -> ServiceApp:
        import jwt  # only a simulator that gets token requests needs it

        try:
            claimed = jwt.decode(assertion, options={"verify_signature": False})
            app = self._apps.get(str(claimed.get("iss")))
            if app is None:
                raise _client_refusal("The client ID is not valid.")
            if jwt.get_unverified_header(assertion).get("kid", app.kid) != app.kid:
                raise _client_refusal("The client_assertion's key ID is unknown.")
            claims = jwt.decode(
                assertion,
                app.public_key,
                _ALGORITHMS["EC" if hasattr(app.public_key, "curve") else "RSA"],
                {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": ["exp", "sub"]},
                audience=f"{call.origin}{PATH}",
            )
        except jwt.PyJWTError as err:
            raise _client_refusal(f"The client_assertion is not valid: {err}.") from None
        self._check_claims(claims, app, call.now)
        return app

    def _check_claims(self, claims: Mapping[str, Any], app: ServiceApp, now: int) -> None:
        if claims["sub"] != app.client_id:
            raise _client_refusal("The client_assertion's subject and issuer differ.")
        ends_at = claims["exp"] * SECOND if isinstance(claims["exp"], int) else 0
        if ends_at <= now:
            raise _client_refusal("The client_assertion token is expired.")
        if ends_at > now + HOUR:
            raise _client_refusal("The client_assertion token's lifetime is longer than an hour.")
        used = claims.get("jti")
        if used in self._used:
            raise _client_refusal("The client_assertion was used before.")
        if isinstance(used, str):
            self._used.add(used)


def _read_form(call: Call) -> Mapping[str, str]:
    form = read_form(call)
    if form is None:
        raise _refusal("invalid_request", f"The parameters must be sent as {FORM_TYPE} in the body.")
    missing = [name for name in _MEMBERS if not form.get(name)]
    if missing:
        raise _refusal("invalid_request", f"The parameter {missing[0]} is missing.")
    if form["grant_type"] != "client_credentials":
        raise _refusal("unsupported_grant_type", "The grant type is not supported for this client.")
    if form["client_assertion_type"] != ASSERTION_TYPE:
        raise _refusal("invalid_request", f"The client_assertion_type must be {ASSERTION_TYPE}.")
    return form


def _client_refusal(description: str) -> RefusalError:
    return _refusal("invalid_client", description, 401)


def _refusal(error: str, description: str, status: int = 400) -> RefusalError:
    return RefusalError(json_reply(status, {"error": error, "error_description": description}))
