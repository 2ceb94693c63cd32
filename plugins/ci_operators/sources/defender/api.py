"""Microsoft Graph's security API, `GET /v1.0/security/alerts_v2`, as its reference (v1.0) describes it.

What no live tenant has confirmed yet is in the DAG's documentation (dags/defender.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from ci_operators.core.errors import RequestRefusedError
from ci_operators.core.instant import format_instant, normalise_instant
from ci_operators.core.tolerant import make_path_reader
from ci_operators.core.window import Window
from ci_operators.sources.defender import ABOUT
from ci_operators.sources.defender.oauth import CLOUDS, CONSENT, sign_in
from ci_operators.sources.defender.options import MicrosoftDefenderXDRConnector
from ci_operators.transport.api import Api
from ci_operators.transport.client import Client
from ci_operators.transport.elements import cut_elements, decode_answer
from ci_operators.transport.pacing import read_retry_after
from ci_operators.transport.paging import Page, read_linked_pages
from ci_operators.transport.vendor import Answer, Vendor, read_error

ALERTS_PATH = "/v1.0/security/alerts_v2"
#: Graph allows 1,000, but an alert can have hundreds of kilobytes of evidence.
PAGE_SIZE = 500

_ID = re.compile(r"[\w.-]{1,100}", re.ASCII)


class Alerts(Struct, frozen=True):
    """A page; the last one has no next link."""

    value: list[msgspec.Raw]
    link: str | None = msgspec.field(name="@odata.nextLink", default=None)
    error: Any = None


_alerts, _alert = msgspec.json.Decoder(Alerts), msgspec.json.Decoder(msgspec.Raw)


def fetch(
    client: Client, connector: MicrosoftDefenderXDRConnector, window: Window, tokens: Sequence[str] = ()
) -> Iterator[Page]:
    """Yield the pages of alerts of a window, oldest first.

    An alert outside of the window is left out: it has changed in the meantime, and another window has it.
    """
    since, until = format_instant(window.since), format_instant(window.until)

    def read_page(client: Client, answer: Answer) -> Page:
        found = _read_alerts(client, answer)
        timed = ((_read_time(connector, event), event) for event in cut_elements(found.value))
        return Page([event for time, event in timed if not time or since <= time < until], found.link)

    query = _make_query(connector, window)
    return read_linked_pages(client, ALERTS_PATH, query, read_page, marker="$skip", tokens=tokens)


def find_event(client: Client, connector: MicrosoftDefenderXDRConnector, event_id: str, now: datetime) -> bytes | None:
    """Return the alert with an id, or None if there is none."""
    del connector, now  # Graph finds every alert that the tenant keeps
    if not _ID.fullmatch(event_id):
        return None
    try:
        answer = client.get(f"{ALERTS_PATH}/{event_id}")
    except RequestRefusedError as err:
        if err.status == 404:
            return None
        raise
    return cut_elements([decode_answer(answer.body, _alert, client.vendor.title)])[0]


def check(client: Client) -> str:
    """Return what works, after the cheapest authenticated request: one alert."""
    _read_alerts(client, client.get(ALERTS_PATH, {"$top": 1}))
    return "the app can read alerts"


VENDOR = Vendor(
    title=ABOUT.title,
    explain=lambda body: read_error(body, lambda answer: [answer["error"].get(name) for name in ("code", "message")]),
    cooldown=read_retry_after,
    credentials_hint="it rejected the app's access token. Select the tenant's cloud in the Connection (Cloud).",
    permission_hint=f"{CONSENT} If the account is not provisioned, set up Microsoft Defender XDR.",
    headers={"Prefer": "include-unknown-enum-members"},  # without it, newer products are "unknownFutureValue"
)
API = Api(
    about=ABOUT,
    vendor=VENDOR,
    sign_ins={way: sign_in(VENDOR, way) for way in ("secret", "certificate")},
    check=check,
    clouds=CLOUDS,
)


def _read_alerts(client: Client, answer: Answer) -> Alerts:
    """Return the page of an answer. Raises UnreadableAnswerError if it reports an error: it may be incomplete."""
    found = decode_answer(answer.body, _alerts, client.vendor.title)
    if found.error:
        raise client.report_errors(client.vendor.explain(answer.body))
    return found


def _make_query(connector: MicrosoftDefenderXDRConnector, window: Window) -> Mapping[str, str | int]:
    key = connector.window_key
    terms = [f"{key} ge {format_instant(window.since)}", f"{key} lt {format_instant(window.until)}"]
    if key != "createdDateTime":
        terms.append(f"createdDateTime ge {format_instant(window.since - connector.verified_floor)}")
    if connector.only_analyst_verified:
        terms.append("classification eq 'truePositive'")
    return {"$filter": " and ".join(terms), "$orderby": f"{key} asc", "$top": PAGE_SIZE}


def _read_time(connector: MicrosoftDefenderXDRConnector, event: bytes) -> str:
    """Return the time by which windows select an alert, written like the window's bounds.

    Return "" if it has none, or one without a zone, which may be in this window in spite of its text.
    """
    try:
        time, has_zone = normalise_instant(make_path_reader(connector.window_key)(event) or "")
    except ValueError:
        return ""
    return time if has_zone else ""
