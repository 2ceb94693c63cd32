"""Proofpoint's SIEM API, `GET /v2/siem/all`, as its page "SIEM API" and reports of its users describe it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from ci_operators.core.errors import RequestRefusedError, UnreadableAnswerError
from ci_operators.core.instant import format_instant, read_instant
from ci_operators.core.window import Window
from ci_operators.sources.proofpoint import ABOUT
from ci_operators.sources.proofpoint.options import LONGEST_REQUEST, ProofpointTAPConnector
from ci_operators.transport.api import Api, basic_sign_in
from ci_operators.transport.client import Client
from ci_operators.transport.elements import cut_elements, decode_answer
from ci_operators.transport.paging import Page, Slices, read_slices
from ci_operators.transport.vendor import Vendor, read_text_error

ALL_PATH = "/v2/siem/all"
#: A request covers 30 seconds to an hour of the last seven days; five minutes allow for transit and wrong clocks.
SLICES = Slices(timedelta(seconds=30), LONGEST_REQUEST, timedelta(days=7) - timedelta(minutes=5))
#: A 429 has no Retry-After header. Used requests become available again one by one, over a day.
COOLDOWN_S = 900.0
#: By how much the end of an answer can be before the end of its interval.
ROUNDING = timedelta(minutes=1)
_WHERE = "Create both in the TAP dashboard under Settings > Connected Applications."


class Answered(Struct, frozen=True):
    """All events of an interval; `queryEndTime` is in every answer, lists without events can be absent."""

    queryEndTime: str
    messagesDelivered: list[msgspec.Raw] | None = None
    messagesBlocked: list[msgspec.Raw] | None = None
    clicksPermitted: list[msgspec.Raw] | None = None
    clicksBlocked: list[msgspec.Raw] | None = None


_decoder = msgspec.json.Decoder(Answered)


def fetch(
    client: Client, connector: ProofpointTAPConnector, window: Window, tokens: Sequence[str] = ()
) -> Iterator[Page]:
    """Yield the events that were created in the window, one page for each request: the API has no pages."""
    del connector  # no option changes the requests: the criteria count what they exclude
    return read_slices(client, window, lambda part: _read_part(client, part), SLICES, tokens)


def _read_part(client: Client, part: Window) -> list[bytes]:
    return read_events(client, {"interval": f"{format_instant(part.since)}/{format_instant(part.until)}"}, part.until)


def read_events(client: Client, period: Mapping[str, str | int], until: datetime | None = None) -> list[bytes]:
    """Return the messages and clicks of a period. 204 means that there are none.

    Raises UnreadableAnswerError if the answer ends before `until`: the rest would be lost.
    """
    answer = client.get(ALL_PATH, {"format": "json", **period})
    if answer.status == 204:
        return []
    found = decode_answer(answer.body, _decoder, client.vendor.title)
    if until is not None and _ends_before(until, found.queryEndTime):
        said = client.quote(found.queryEndTime, 40)
        raise UnreadableAnswerError(
            f"{ABOUT.title} answered only until {said}, not until {format_instant(until)}: the rest is missing."
        )
    lists = (found.messagesDelivered, found.messagesBlocked, found.clicksPermitted, found.clicksBlocked)
    return cut_elements([element for each in lists for element in each or ()])


def _ends_before(until: datetime, text: str) -> bool:
    """Return whether an answer's end is an earlier time, by more than what a vendor may round."""
    try:
        return read_instant(text)[0] < until - ROUNDING
    except ValueError:
        return False


def find_event(client: Client, connector: ProofpointTAPConnector, event_id: str, now: datetime) -> bytes | None:
    """Raise RequestRefusedError: the API cannot find a single event."""
    del client, connector, event_id, now
    raise RequestRefusedError("the SIEM API cannot look up an event by its id. Search the TAP dashboard for it.")


def check(client: Client) -> str:
    """Return what works, after the cheapest authenticated request: the events of a minute."""
    read_events(client, {"sinceSeconds": 60})
    return "the service principal can read the SIEM API"


VENDOR = Vendor(
    title=ABOUT.title,
    explain=read_text_error,
    cooldown=lambda _headers, _now: COOLDOWN_S,
    credentials_hint="the service principal or its secret is unknown or from another Proofpoint product. " + _WHERE,
    permission_hint="the service principal does not have the right to read TAP's SIEM API: it is from another product, "
    "or TAP is not licensed.",
    success=frozenset({200, 204}),
)
API = Api(about=ABOUT, vendor=VENDOR, sign_ins={"basic": basic_sign_in(VENDOR, "principal", _WHERE)}, check=check)
