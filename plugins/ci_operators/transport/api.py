"""An API as a connector meets it: how to speak to it, and what its Airflow Connection has to hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from ci_operators.core.about import About
from ci_operators.core.errors import ConfigurationError
from ci_operators.transport.auth import Auth, TokenAuth
from ci_operators.transport.base_url import repair_base_url
from ci_operators.transport.client import Client
from ci_operators.transport.pacing import Pacer
from ci_operators.transport.token import check_token
from ci_operators.transport.vendor import Vendor


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an Airflow Connection holds: its id, the URL as a person entered it, the token.

    options: what is in its extra under the names of the form's fields, as far as it is filled in.
    mask: is given every secret that comes up later, so that no log shows it.
    """

    conn_id: str
    url: str
    token: str = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    mask: Callable[[str], None] = field(default=lambda _secret: None, repr=False)


#: A way to sign in: gives vendor and authentication for credentials and base URL.
SignIn = Callable[[Credentials, str], tuple[Vendor, Auth]]


@dataclass(frozen=True, slots=True)
class Api:
    """One vendor's API.

    about: its name and its Connection's form; vendor: how it speaks.
    sign_ins: the ways to sign in, by the words that the form's field `auth` offers; without the field the first counts.
    check: one cheap authenticated call, returns in words what works. repair_url: the vendor's own corrections of a URL.
    """

    about: About
    vendor: Vendor
    sign_ins: Mapping[str, SignIn]
    check: Callable[[Client], str]
    repair_url: Callable[[str], str] = str


def token_sign_in(vendor: Vendor, scheme: str, where: str) -> SignIn:
    """Return the way to sign in by an API token: `Authorization: <scheme> <token>`. where: where to get a token.

    A scheme that was pasted with the token is taken off.
    """

    def read_header(text: str, label: str) -> tuple[str, str]:
        pasted, _, rest = text.strip().partition(" ")
        token = rest if rest and pasted.lower() == scheme.lower() else text
        return "Authorization", f"{scheme} {check_token(token, label=label, where=where)}"

    return header_sign_in(vendor, read_header)


def header_sign_in(vendor: Vendor, read_header: Callable[[str, str], tuple[str, str]]) -> SignIn:
    """Return the way to sign in by a header. read_header: gives it for a token and the token's label."""

    def sign_in(credentials: Credentials, base_url: str) -> tuple[Vendor, Auth]:
        del base_url
        return vendor, TokenAuth(*read_header(credentials.token, f"Connection {credentials.conn_id}: password"))

    return sign_in


def read_base_url(api: Api, credentials: Credentials) -> str:
    """Return the base URL out of what a person entered, or raise ConfigurationError naming Connection and field."""
    label, about = f"Connection {credentials.conn_id}: host", api.about
    return api.repair_url(repair_base_url(credentials.url or about.default_url, label=label, example=about.url_example))


def open_client(api: Api, credentials: Credentials, session: requests.Session, pacer: Pacer) -> Client:
    """Return a client for the API; nothing is sent yet.

    Raises ConfigurationError naming the Connection and its field when URL, token or another way cannot be right.
    """
    url = read_base_url(api, credentials)
    vendor, auth = api.sign_ins[_choose_way(api, credentials)](credentials, url)
    return Client(vendor, url, auth, session, pacer)


def _choose_way(api: Api, credentials: Credentials) -> str:
    """Return the word of the way to sign in, as `auth` in the Connection's extra names it."""
    first, *others = api.sign_ins
    if not others:
        return first
    word = str(credentials.options.get("auth") or first).strip().lower()
    if word not in api.sign_ins:
        allowed = ", ".join(api.sign_ins)
        raise ConfigurationError(f"Connection {credentials.conn_id}: auth is {word[:40]!r}; allowed are {allowed}.")
    filled = sorted(credentials.options.keys() - {"auth"})
    if word == first and not credentials.token.strip() and filled:
        raise ConfigurationError(
            f"Connection {credentials.conn_id}: there is no API token, but {' and '.join(filled)}. Set auth (in the "
            f"form: Sign in with) to {' or '.join(others)}."
        )
    return word
