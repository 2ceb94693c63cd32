"""The answer to `POST /oauth2/token`: access tokens for API clients (OAuth 2.0 client credentials)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simulator.crowdstrike.refusals import refuse
from simulator.exchange import Call, Reply, json_reply
from simulator.oauth_tokens import FORM_TYPE, AccessTokens, read_form

PATH: Final = "/oauth2/token"
LIFE_S: Final = 1799
CLIENT_ID: Final = "51a0c8a7e0014d2f9b6e3c5d7a8f9012"
SECRET: Final = "simulator-crowdstrike-alerts-read"  # noqa: S105 - invented, opens only this simulator
SECRET_WITHOUT_SCOPE: Final = "simulator-crowdstrike-no-scope"  # noqa: S105 - as above
_SCOPES: Final = {SECRET: ("alerts:read",), SECRET_WITHOUT_SCOPE: ()}
_REQUIRED: Final = ("client_id", "client_secret")
_MEMBERS: Final = frozenset({*_REQUIRED, "grant_type", "member_cid"})


class TokenEndpoint(AccessTokens[tuple[str, ...]]):
    """Issues access tokens, each for some scopes."""

    def __init__(self) -> None:
        super().__init__()
        self.member_cids: list[str] = []

    def answer(self, call: Call) -> Reply:
        """Return the answer with a token. Raises RefusalError if there is none."""
        if call.method != "POST":
            raise refuse("Method Not Allowed", 405)
        form = _read_form(call)
        if form["client_id"] != CLIENT_ID:
            raise refuse(f"Failed to generate access token for clientID={form['client_id'][:5]}.")
        scopes = _SCOPES.get(form["client_secret"])
        if scopes is None:
            raise refuse("access denied, invalid client", 401)
        token = self.issue(scopes, call.now, LIFE_S)
        self.member_cids.append(form.get("member_cid", ""))
        return json_reply(201, {"access_token": token, "expires_in": LIFE_S, "token_type": "bearer"})


def _read_form(call: Call) -> Mapping[str, str]:
    form = read_form(call)
    if form is None:
        raise refuse(f"The parameters must be sent as {FORM_TYPE} in the body.", 415)
    if not _MEMBERS.issuperset(form):
        raise refuse("Unknown parameter.")
    if not all(form.get(name) for name in _REQUIRED):
        raise refuse("client_id and client_secret are required.")
    if form.get("grant_type", "client_credentials") != "client_credentials":
        raise refuse("unsupported grant_type")
    return form
