"""Sign-in to Microsoft Graph as an app, in each of Microsoft's clouds.

Source: Microsoft identity platform (client and certificate credentials, error codes), national clouds.
"""

from __future__ import annotations

import re

from ci_operators.core.errors import ConfigurationError
from ci_operators.transport.api import Credentials, SignIn
from ci_operators.transport.auth import Auth
from ci_operators.transport.oauth import ClientCredentials, key_grant, read_oauth_error, secret_grant
from ci_operators.transport.pacing import read_retry_after
from ci_operators.transport.vendor import Vendor

#: Value of the form's field `cloud` -> URL of Graph.
CLOUDS = {
    "global": "https://graph.microsoft.com",
    "gcc_high": "https://graph.microsoft.us",
    "dod": "https://dod-graph.microsoft.us",
    "china": "https://microsoftgraph.chinacloudapi.cn",
}
_HOSTS = ("microsoftonline.com", "microsoftonline.us", "microsoftonline.us", "chinacloudapi.cn")
#: URL of Graph -> URL of the token endpoint.
LOGINS = {graph: f"https://login.{host}" for graph, host in zip(CLOUDS.values(), _HOSTS, strict=True)}
CONSENT = "grant the app the application permission SecurityAlert.Read.All of Microsoft Graph, with admin consent."
_OVERVIEW = "the app's Overview page in the Microsoft Entra admin center"
_SECRETS = "the app's Certificates & secrets page in the Microsoft Entra admin center"
_CLOUD = "select the tenant's cloud in the Connection (Cloud)."
#: Number of an Entra ID error (AADSTS...) -> what to do.
FIXES = {
    "7000222": f"the client secret has expired. Create a new one on {_SECRETS} and save its Value in the Connection.",
    "7000215": f"the client secret is wrong. Copy a secret's Value, not its Secret ID, from {_SECRETS}.",
    "700016": f"compare tenant_id and client_id with {_OVERVIEW}, and {_CLOUD}",
    "90002": f"compare tenant_id with {_OVERVIEW}, and {_CLOUD}",
    "700027": f"compare private_key and thumbprint with the certificates on {_SECRETS}; one may have expired.",
    "700024": "correct the worker's clock.",
    **dict.fromkeys(("65001", "7000229"), CONSENT),
    "7000112": "enable the app under Enterprise applications in the Microsoft Entra admin center.",
    **dict.fromkeys(("500011", "90038", "900382", "900383", "900384", "900432", "900439"), _CLOUD),
}
ENDPOINT = Vendor(
    title="Microsoft Entra ID",
    explain=lambda body: read_oauth_error(body)[1],
    cooldown=read_retry_after,
    credentials_hint=f"compare tenant_id, client_id, and the client secret or certificate with {_OVERVIEW}.",
    permission_hint="a policy of the tenant blocks the app. Ask the tenant's administrator to allow it.",
    fix=lambda _status, body: FIXES.get(_find_number(body), ""),
)


def _find_number(body: bytes) -> str:
    found = re.search(r"AADSTS(\d+)", read_oauth_error(body)[1])
    return found[1] if found else ""


def sign_in(graph: Vendor, way: str) -> SignIn:
    """Return how an app signs in with a "secret" or a "certificate", given the vendor for Graph.

    If the Connection has a URL (a gateway), tokens come from there too.
    """

    def open_session(credentials: Credentials, base_url: str) -> tuple[Vendor, Auth]:
        cloud = base_url if base_url in LOGINS else CLOUDS[_read(credentials, "cloud").lower() or "global"]
        path, scope = f"/{_read_tenant(credentials)}/oauth2/v2.0/token", f"{cloud}/.default"
        copy = f"Copy it from {_SECRETS}."
        if way == "secret":
            grant = secret_grant(credentials, scope, where_client_id=_OVERVIEW, where_secret=copy)
        else:
            grant = key_grant(
                credentials,
                scope,
                f"{LOGINS[cloud]}{path}",
                where_client_id=_OVERVIEW,
                where_key="your key store had it",
                where_thumbprint=copy,
            )
        return graph, ClientCredentials(ENDPOINT, path, grant, credentials.mask, LOGINS.get(base_url, ""))

    return open_session


def _read(credentials: Credentials, name: str) -> str:
    return str(credentials.options.get(name) or "").strip()


def _read_tenant(credentials: Credentials) -> str:
    tenant = _read(credentials, "tenant_id")
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)*", tenant, re.ASCII) or tenant in ("common", "organizations"):
        raise ConfigurationError(
            f"Connection {credentials.conn_id}: tenant_id is {tenant[:40]!r}, which is not the ID of a tenant. Copy "
            f"the Directory (tenant) ID from {_OVERVIEW}."
        )
    return tenant
