"""Microsoft Defender XDR alerts, from the security API of Microsoft Graph."""

from __future__ import annotations

from ci_operators.core.about import About, FormField

_APP = "App registration (Microsoft Entra admin center)"
_CERTIFICATE = "Certificate (instead of the client secret)"

ABOUT = About(
    title="Microsoft Defender XDR",
    url=("Graph URL", "Leave it empty to use the cloud below, unless you have a gateway"),
    token=("Client secret", "The secret's Value, not its Secret ID (Certificates & secrets)"),
    url_example="https://graph.microsoft.com",
    event_id="alert id",
    fields={
        "tenant_id": FormField("Tenant ID", "Directory (tenant) ID on the app's Overview page.", _APP),
        "client_id": FormField(
            "Client ID",
            "Application (client) ID on the app's Overview page. The app needs the application permission "
            "SecurityAlert.Read.All of Microsoft Graph, with admin consent.",
            _APP,
        ),
        "cloud": FormField(
            "Cloud",
            "The cloud of the tenant.",
            _APP,
            {"global": "Commercial, GCC", "gcc_high": "US GCC High", "dod": "US DoD", "china": "China (21Vianet)"},
            "global",
            is_optional=True,
        ),
        "auth": FormField(
            "Sign in with",
            "How the DAG signs in: with the client secret above or the certificate below.",
            _CERTIFICATE,
            {"secret": "Client secret", "certificate": "Certificate"},
            "secret",
        ),
        "private_key": FormField(
            "Private key",
            "The whole private key of the certificate (RSA, PEM). Airflow stores it encrypted and never shows it.",
            _CERTIFICATE,
            is_secret=True,
        ),
        "thumbprint": FormField("Thumbprint", "Of the certificate, from Certificates & secrets.", _CERTIFICATE),
    },
)
