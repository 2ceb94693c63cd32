"""Acme Cloud's API: `GET /acme/v1/alerts`. Source of all facts: name the vendor's page here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from ci_operators.core.instant import format_instant
from ci_operators.core.window import Window
from ci_operators.sources.acme import ABOUT
from ci_operators.sources.acme.options import AcmeCloudConnector
from ci_operators.transport.api import Api, token_sign_in
from ci_operators.transport.client import Client
from ci_operators.transport.elements import cut_elements, decode_answer
from ci_operators.transport.pacing import read_retry_after
from ci_operators.transport.paging import Page, read_pages
from ci_operators.transport.vendor import Vendor, read_error

ALERTS_PATH = "/acme/v1/alerts"
PAGE_SIZE = 500

_WHERE = "Create one in Acme Cloud under Settings > API tokens."
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


class Answered(Struct, frozen=True):
    """A page of alerts; `cursor` is null on the last one."""

    alerts: list[msgspec.Raw]
    cursor: str | None = None


_decoder = msgspec.json.Decoder(Answered)


def fetch(client: Client, connector: AcmeCloudConnector, window: Window, tokens: Sequence[str] = ()) -> Iterator[Page]:
    """Yield the pages of alerts of the window, oldest first."""
    del connector  # no option changes the request
    params = {"since": format_instant(window.since), "until": format_instant(window.until), "limit": PAGE_SIZE}
    return read_pages(client, lambda token: read_page(client, {**params, "cursor": token} if token else params), tokens)


def find_event(client: Client, connector: AcmeCloudConnector, event_id: str, now: datetime) -> bytes | None:
    """Return the alert of an id, None when there is none."""
    del connector, now
    return next(iter(read_page(client, {"id": event_id}).events), None) if _ID.fullmatch(event_id) else None


def read_page(client: Client, params: Mapping[str, str | int]) -> Page:
    """Return one page of alerts."""
    found = decode_answer(client.get(ALERTS_PATH, params).body, _decoder, client.vendor.title)
    return Page(cut_elements(found.alerts), found.cursor)


def check(client: Client) -> str:
    """Return a sentence after the cheapest authenticated call: one alert."""
    read_page(client, {"limit": 1})
    return "the token may read alerts"


VENDOR = Vendor(
    title=ABOUT.title,
    explain=lambda body: read_error(body, lambda answer: [answer["code"], answer.get("message")]),
    cooldown=read_retry_after,
    credentials_hint="the API token is unknown, expired or revoked. " + _WHERE,
    permission_hint="the token may not read alerts: give it the right.",
)
API = Api(about=ABOUT, vendor=VENDOR, sign_ins={"token": token_sign_in(VENDOR, "Bearer", _WHERE)}, check=check)
