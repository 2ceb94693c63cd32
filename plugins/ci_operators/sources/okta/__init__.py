"""Okta System Log: `security.threat.detected` events of Okta ThreatInsight."""

from __future__ import annotations

from ci_operators.core.about import About, FormField

_APP = "OAuth 2.0 service app (instead of the API token)"

ABOUT = About(
    title="Okta",
    url=("URL", "Server URL to access your Okta instance, like https://acme.okta.com"),
    token=("API Token", "Okta API Token with Read Only Admin privilege (Security > API > Tokens)"),
    url_example="https://acme.okta.com",
    event_id="uuid",
    fields={
        "auth": FormField(
            "Sign in with",
            "How the DAG signs in: with the API Token above or the service app below.",
            section=_APP,
            choices={"ssws": "API Token (SSWS)", "oauth2": "OAuth 2.0 service app"},
            default="ssws",
        ),
        "client_id": FormField(
            "Client ID",
            "Of an app of type API Services, from its General tab in the Admin Console. The app needs the scope "
            "okta.logs.read (Okta API Scopes), the role Read-only Administrator (Admin roles), Public key / "
            "Private key as client authentication, and DPoP turned off.",
            section=_APP,
        ),
        "private_key": FormField(
            "Private key",
            "The whole private key of the pair whose public key the app has: PEM or JSON (JWK). Line breaks can be "
            "missing. Airflow stores it encrypted and never shows it.",
            section=_APP,
            is_secret=True,
        ),
        "kid": FormField(
            "Key ID",
            "The key's KID on the app's General tab. Needed only if the app has several keys.",
            section=_APP,
            is_optional=True,
        ),
    },
)
