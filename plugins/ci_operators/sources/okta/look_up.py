"""One Okta event by its uuid: what the System Log says of an id that no run has met."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from ci_operators.core.instant import format_instant, read_instant
from ci_operators.sources.okta.api import LOGS_PATH
from ci_operators.sources.okta.log_event import read_log_event
from ci_operators.sources.okta.options import RETENTION, OktaConnector
from ci_operators.transport.client import Client
from ci_operators.transport.elements import cut_elements, decode_answer

#: What can stand between the quotes of a filter; no uuid holds anything else.
_ID = re.compile(r"[\w.:-]{1,100}", re.ASCII)
_elements = msgspec.json.Decoder(list[msgspec.Raw])


def find_event(client: Client, connector: OktaConnector, event_id: str, now: datetime) -> bytes | None:
    """Return the log entry of a uuid, whatever its event type; None when the log has none, or cannot have one."""
    del connector  # every connector of the tenant reads the same log
    if not _ID.fullmatch(event_id):
        return None
    bounds = {"since": format_instant(now - RETENTION), "until": format_instant(now)}
    answer = client.get(LOGS_PATH, {**bounds, "filter": f'uuid eq "{event_id}"', "limit": 1})
    found = cut_elements(decode_answer(answer.body, _elements, client.vendor.title))
    return found[0] if found else None


def read_time(connector: OktaConnector, event: bytes) -> datetime | None:
    """Return when the event was published; None if it does not say."""
    del connector
    fields = read_log_event(event)
    try:
        return read_instant(fields.published or "")[0] if fields else None
    except ValueError:
        return None
