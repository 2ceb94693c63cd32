"""Okta System Log: `security.threat.detected` events of Okta ThreatInsight."""

from __future__ import annotations

from ci_operators.core.about import About, FormField

_APP = "OAuth 2.0 service app (in place of the API token)"

ABOUT = About(
    title="Okta",
    url=("URL", "Server URL to access your Okta instance, like https://acme.okta.com"),
    token=("API Token", "Okta API Token with Read Only Admin privilege (Security > API > Tokens)"),
    url_example="https://acme.okta.com",
    event_id="uuid",
    fields={
        "auth": FormField(
            "Sign in with",
            "What the DAG proves itself with: the API Token above, or the service app below.",
            section=_APP,
            choices={"ssws": "API Token (SSWS)", "oauth2": "OAuth 2.0 service app"},
            default="ssws",
        ),
        "client_id": FormField(
            "Client ID",
            "Of an app of type API Services, on its General tab in the Admin Console. The app needs the scope "
            "okta.logs.read (Okta API Scopes), the role Read-only Administrator (Admin roles), Public key / "
            "Private key as client authentication, and DPoP switched off.",
            section=_APP,
        ),
        "private_key": FormField(
            "Private key",
            "Of the pair whose public half the app has: PEM or JSON (JWK), the whole of it. Line breaks may get "
            "lost in pasting. Airflow stores it encrypted and never shows it.",
            section=_APP,
            is_secret=True,
        ),
        "kid": FormField(
            "Key ID",
            "The key's KID on the app's General tab; needed only if the app has several keys.",
            section=_APP,
        ),
    },
)
