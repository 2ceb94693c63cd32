"""A vendor's API, and what its Airflow Connection must have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from ci_operators.core.about import About
from ci_operators.core.errors import ConfigurationError
from ci_operators.transport.auth import Auth, BasicAuth, TokenAuth
from ci_operators.transport.base_url import repair_base_url
from ci_operators.transport.client import Client
from ci_operators.transport.pacing import Pacer
from ci_operators.transport.token import check_token
from ci_operators.transport.vendor import Vendor


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an Airflow Connection holds: its id, the URL as a person entered it, and the token.

    options: the fields of the form in its extra that are not empty, by name.
    mask: is called with every secret that is created later, so that no log shows it.
    """

    conn_id: str
    url: str
    token: str = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    mask: Callable[[str], None] = field(default=lambda _secret: None, repr=False)


#: A way to sign in: returns vendor and authentication for credentials and base URL.
SignIn = Callable[[Credentials, str], tuple[Vendor, Auth]]


@dataclass(frozen=True, slots=True)
class Api:
    """One vendor's API.

    about: its title and its Connection's form; vendor: its name, errors, and limits.
    sign_ins: the ways to sign in, by value of the form's field `auth`; without a value the first one is used.
    check: one cheap authenticated request, returns what works. repair_url: the vendor's own corrections of a URL.
    clouds: base URLs by value of the form's field `cloud`; a URL in the Connection overrides them.
    """

    about: About
    vendor: Vendor
    sign_ins: Mapping[str, SignIn]
    check: Callable[[Client], str]
    repair_url: Callable[[str], str] = str
    clouds: Mapping[str, str] = field(default_factory=dict)


def token_sign_in(vendor: Vendor, scheme: str, where: str) -> SignIn:
    """Return the sign-in with an API token: `Authorization: <scheme> <token>`. where: where to get a token.

    A scheme that was pasted with the token is removed.
    """

    def read_header(text: str, label: str) -> tuple[str, str]:
        pasted, _, rest = text.strip().partition(" ")
        token = rest if rest and pasted.lower() == scheme.lower() else text
        return "Authorization", f"{scheme} {check_token(token, label=label, where=where)}"

    return header_sign_in(vendor, read_header)


def header_sign_in(vendor: Vendor, read_header: Callable[[str, str], tuple[str, str]]) -> SignIn:
    """Return the sign-in with a header. read_header: returns it for a token and the token's label."""

    def sign_in(credentials: Credentials, base_url: str) -> tuple[Vendor, Auth]:
        del base_url
        return vendor, TokenAuth(*read_header(credentials.token, f"Connection {credentials.conn_id}: password"))

    return sign_in


def basic_sign_in(vendor: Vendor, user: str, where: str) -> SignIn:
    """Return the sign-in with HTTP Basic. user: the form's field for the user; where: where to get both."""

    def sign_in(credentials: Credentials, base_url: str) -> tuple[Vendor, Auth]:
        del base_url
        label = f"Connection {credentials.conn_id}:"
        auth = BasicAuth(
            check_token(str(credentials.options.get(user) or ""), label=f"{label} {user}", where=where),
            check_token(credentials.token, label=f"{label} password", where=where),
        )
        credentials.mask(auth.encoded)
        return vendor, auth

    return sign_in


def read_base_url(api: Api, credentials: Credentials) -> str:
    """Return the base URL that a person entered. Raises ConfigurationError, with Connection and field."""
    label, about = f"Connection {credentials.conn_id}: host", api.about
    cloud = _choose_cloud(api, credentials)
    entered = credentials.url or cloud or about.default_url
    return api.repair_url(repair_base_url(entered, label=label, example=about.url_example))


def open_client(api: Api, credentials: Credentials, session: requests.Session, pacer: Pacer) -> Client:
    """Return a client for the API, without sending anything.

    Raises ConfigurationError, with Connection and field, if the URL, the token, or another field cannot be right.
    """
    url = read_base_url(api, credentials)
    vendor, auth = api.sign_ins[_choose_way(api, credentials)](credentials, url)
    return Client(vendor, url, auth, session, pacer)


def _choose_cloud(api: Api, credentials: Credentials) -> str:
    """Return the base URL of the cloud in the Connection's extra, "" if the vendor has only one."""
    if not api.clouds:
        return ""
    word = str(credentials.options.get("cloud") or api.about.fields["cloud"].default).strip().lower()
    if word not in api.clouds:
        allowed = ", ".join(api.clouds)
        raise ConfigurationError(f"Connection {credentials.conn_id}: cloud is {word[:40]!r}; allowed are {allowed}.")
    return api.clouds[word]


def _choose_way(api: Api, credentials: Credentials) -> str:
    """Return the name of the way to sign in, from `auth` in the Connection's extra."""
    first, *others = api.sign_ins
    if not others:
        return first
    word = str(credentials.options.get("auth") or first).strip().lower()
    if word not in api.sign_ins:
        allowed = ", ".join(api.sign_ins)
        raise ConfigurationError(f"Connection {credentials.conn_id}: auth is {word[:40]!r}; allowed are {allowed}.")
    filled = sorted(name for name in credentials.options if api.about.fields[name].is_secret)
    if word == first and not credentials.token.strip() and filled:
        raise ConfigurationError(
            f"Connection {credentials.conn_id}: {api.about.token[0]} is empty, but {' and '.join(filled)} has a value. "
            f"Set auth (in the form: Sign in with) to {' or '.join(others)}."
        )
    return word
