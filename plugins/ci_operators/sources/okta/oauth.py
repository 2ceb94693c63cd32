"""Signing in to Okta as an OAuth 2.0 service app (client credentials, private_key_jwt).

Source of all facts: Okta's guide "Implement OAuth for Okta with a service app", RFC 7523.
"""

from __future__ import annotations

from dataclasses import replace

from ci_operators.transport.api import Credentials, SignIn
from ci_operators.transport.auth import Auth
from ci_operators.transport.oauth import ClientCredentials, key_grant, read_oauth_error
from ci_operators.transport.vendor import Vendor

TOKEN_PATH = "/oauth2/v1/token"  # noqa: S105 - a path; the org's own server: another one gives no okta.* scopes
SCOPE = "okta.logs.read"

_DPOP = (
    'switch off "Require Demonstrating Proof of Possession (DPoP) header in token requests" in the app\'s General '
    "Settings."
)
_GRANT = f"grant {SCOPE} to the app, under its Okta API Scopes."
_TYPE = "the app has to be of type API Services, with the grant type Client Credentials."
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
    "unauthorized_client": _TYPE,
    "unsupported_grant_type": _TYPE,
    "access_denied": "a policy of the org keeps the app from getting a token.",
}


def app_sign_in(org: Vendor) -> SignIn:
    """Return how a service app signs in to an org, given how the org speaks when an API token signs in."""
    vendor, endpoint = app_vendor(org), token_endpoint(org)

    def sign_in(credentials: Credentials, base_url: str) -> tuple[Vendor, Auth]:
        grant = key_grant(
            credentials,
            SCOPE,
            f"{base_url}{TOKEN_PATH}",
            where_client_id="the Okta Admin Console: Applications, the service app, General",
            where_key="the Okta Admin Console showed it",
        )
        return vendor, ClientCredentials(endpoint, TOKEN_PATH, grant, credentials.mask, refused_types={"dpop": _DPOP})

    return sign_in


def app_vendor(org: Vendor) -> Vendor:
    """Return how an org speaks to a service app."""
    return replace(
        org,
        credentials_hint=f"it does not take the service app's access token. Is the app active? If so, {_GRANT}",
        permission_hint=(
            "the service app may not read the System Log: give it the Read-only Administrator role on its Admin roles "
            f"tab, and {_GRANT}"
        ),
    )


def token_endpoint(org: Vendor) -> Vendor:
    """Return how an org's token endpoint speaks: with OAuth's errors, or as the org's other APIs."""
    return Vendor(
        title=f"{org.title}'s token endpoint",
        explain=lambda body: read_oauth_error(body)[1] or org.explain(body),
        cooldown=org.cooldown,
        credentials_hint=MENDS["invalid_client"],
        permission_hint="a policy or a network zone of the org keeps the app from getting a token.",
        mend=lambda status, body: "" if status == 429 else MENDS.get(read_oauth_error(body)[0], ""),
    )
