"""Sign-in to Okta as an OAuth 2.0 service app (client credentials, private_key_jwt).

Source: Okta's guide "Implement OAuth for Okta with a service app", RFC 7523.
"""

from __future__ import annotations

from dataclasses import replace

from ci_operators.transport.api import Credentials, SignIn
from ci_operators.transport.auth import Auth
from ci_operators.transport.oauth import ClientCredentials, key_grant, read_oauth_error
from ci_operators.transport.vendor import Vendor

TOKEN_PATH = "/oauth2/v1/token"  # noqa: S105 - a path; only the org's own server grants okta.* scopes
SCOPE = "okta.logs.read"

_DPOP = (
    'turn off "Require Demonstrating Proof of Possession (DPoP) header in token requests" in the app\'s General '
    "Settings."
)
_GRANT = f"grant {SCOPE} to the app, under its Okta API Scopes."
_TYPE = "the app must be of type API Services, with the grant type Client Credentials."
#: Error code of the token endpoint -> what to do.
FIXES = {
    "invalid_client": (
        "compare client_id with the app's Client ID, add the public half of private_key to the app's public keys, "
        "and correct the worker's clock."
    ),
    "invalid_scope": _GRANT,
    "consent_required": _GRANT,
    "invalid_dpop_proof": _DPOP,
    "use_dpop_nonce": _DPOP,
    "unauthorized_client": _TYPE,
    "unsupported_grant_type": _TYPE,
    "access_denied": "a policy of the org blocks the app. Ask the org's administrator to allow it.",
}


def app_sign_in(org: Vendor) -> SignIn:
    """Return how a service app signs in, given the vendor for API tokens."""
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
    """Return the vendor for a service app."""
    return replace(
        org,
        credentials_hint=f"it rejected the service app's access token. Activate the app, and {_GRANT}",
        permission_hint=(
            "the service app does not have the right to read the System Log. Give it the Read-only Administrator role "
            f"on its Admin roles tab, and {_GRANT}"
        ),
    )


def token_endpoint(org: Vendor) -> Vendor:
    """Return the vendor for the org's token endpoint, which answers with OAuth errors or the org's usual ones."""
    return Vendor(
        title=f"{org.title}'s token endpoint",
        explain=lambda body: read_oauth_error(body)[1] or org.explain(body),
        cooldown=org.cooldown,
        credentials_hint=FIXES["invalid_client"],
        permission_hint="a policy or network zone of the org blocks the app. Ask the org's administrator to allow it.",
        fix=lambda status, body: "" if status == 429 else FIXES.get(read_oauth_error(body)[0], ""),
    )
