"""An API as a connector meets it: how to speak to it, and what its Airflow Connection has to hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from ci_operators.transport.base_url import repair_base_url
from ci_operators.transport.client import Client, Vendor
from ci_operators.transport.pacing import Pacer


@dataclass(frozen=True, slots=True)
class Api:
    """One vendor's API.

    vendor: how it speaks. url_example: its base URL as people know it; default_url: used when none is given.
    read_token: the auth header for a token and the token's label, or ConfigurationError.
    check: one cheap authenticated call, returns in words what works. repair_url: the vendor's own mends.
    """

    vendor: Vendor
    url_example: str
    read_token: Callable[[str, str], tuple[str, str]]
    check: Callable[[Client], str]
    default_url: str = ""
    repair_url: Callable[[str], str] = str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an Airflow Connection holds: its id, the URL as a person entered it, the token."""

    conn_id: str
    url: str
    token: str = field(repr=False)


def read_base_url(api: Api, credentials: Credentials) -> str:
    """Return the base URL out of what a person entered, or raise ConfigurationError naming Connection and field."""
    label = f"Connection {credentials.conn_id}: host"
    url = repair_base_url(credentials.url or api.default_url, label=label, example=api.url_example)
    return api.repair_url(url)


def open_client(api: Api, credentials: Credentials, session: requests.Session, pacer: Pacer) -> Client:
    """Return a client for the API; nothing is sent yet.

    Raises ConfigurationError naming the Connection and its field when URL or token cannot be right.
    """
    url = read_base_url(api, credentials)
    header = api.read_token(credentials.token, f"Connection {credentials.conn_id}: password")
    return Client(api.vendor, url, header, session, pacer)
