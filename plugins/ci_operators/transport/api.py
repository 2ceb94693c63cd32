"""An API as a connector meets it: how to speak to it, and what its Airflow Connection has to hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from ci_operators.core.errors import ConfigurationError
from ci_operators.transport.auth import Auth, TokenAuth
from ci_operators.transport.base_url import repair_base_url
from ci_operators.transport.client import Client
from ci_operators.transport.pacing import Pacer
from ci_operators.transport.vendor import Vendor


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an Airflow Connection holds: its id, the URL as a person entered it, the token.

    options: what stands in its extra under the names of `Api.options`, as far as it is filled in.
    mask: is given every secret that comes up later, so that no log shows it.
    """

    conn_id: str
    url: str
    token: str = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    mask: Callable[[str], None] = field(default=lambda _secret: None, repr=False)


#: Gives vendor and authentication of another way to sign in than by token, from credentials and base URL.
SignIn = Callable[[Credentials, str], tuple[Vendor, Auth]]


@dataclass(frozen=True, slots=True)
class Api:
    """One vendor's API.

    vendor: how it speaks. url_example: its base URL as people know it; default_url: used when none is given.
    read_token: the auth header for a token and the token's label, or ConfigurationError.
    check: one cheap authenticated call, returns in words what works. repair_url: the vendor's own mends.
    token_word: the word for the token among the ways to sign in; sign_ins: the other ways, by their words.
    options: names in a Connection's extra that are for these ways, and no header of a request.
    """

    vendor: Vendor
    url_example: str
    read_token: Callable[[str, str], tuple[str, str]]
    check: Callable[[Client], str]
    default_url: str = ""
    repair_url: Callable[[str], str] = str
    token_word: str = "token"  # noqa: S105 - no secret, a word
    sign_ins: Mapping[str, SignIn] = field(default_factory=dict)
    options: frozenset[str] = frozenset()


def read_base_url(api: Api, credentials: Credentials) -> str:
    """Return the base URL out of what a person entered, or raise ConfigurationError naming Connection and field."""
    label = f"Connection {credentials.conn_id}: host"
    url = repair_base_url(credentials.url or api.default_url, label=label, example=api.url_example)
    return api.repair_url(url)


def open_client(api: Api, credentials: Credentials, session: requests.Session, pacer: Pacer) -> Client:
    """Return a client for the API; nothing is sent yet.

    Raises ConfigurationError naming the Connection and its field when URL, token or another way cannot be right.
    """
    url = read_base_url(api, credentials)
    word = _choose_way(api, credentials)
    if word != api.token_word:
        vendor, auth = api.sign_ins[word](credentials, url)
        return Client(vendor, url, auth, session, pacer)
    header = api.read_token(credentials.token, f"Connection {credentials.conn_id}: password")
    return Client(api.vendor, url, TokenAuth(*header), session, pacer)


def _choose_way(api: Api, credentials: Credentials) -> str:
    """Return the word of the way to sign in, as `auth` in the Connection's extra names it."""
    if not api.sign_ins:
        return api.token_word
    word = str(credentials.options.get("auth") or api.token_word).strip().lower()
    if word != api.token_word and word not in api.sign_ins:
        allowed = ", ".join((api.token_word, *api.sign_ins))
        raise ConfigurationError(f"Connection {credentials.conn_id}: auth is {word[:40]!r}; allowed are {allowed}.")
    there = sorted(credentials.options.keys() - {"auth"})
    if word == api.token_word and not credentials.token.strip() and there:
        raise ConfigurationError(
            f"Connection {credentials.conn_id}: there is no API token, but {' and '.join(there)}. Set auth (in the "
            f"form: Sign in with) to {' or '.join(api.sign_ins)}."
        )
    return word
