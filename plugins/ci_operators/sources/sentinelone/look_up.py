"""One SentinelOne threat by its id: what the console says of an id that no run has met."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct

from ci_operators.core.instant import read_instant
from ci_operators.core.tolerant import make_reader
from ci_operators.sources.sentinelone.api import read_page
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from ci_operators.transport.client import Client


class Times(Struct, frozen=True):
    """When a threat was created, and when it last changed."""

    createdAt: str | None = None  # SentinelOne's spelling
    updatedAt: str | None = None


class TimedThreat(Struct, frozen=True):
    """A threat, as far as its times are concerned."""

    threatInfo: Times | None = None


_read_times = make_reader(TimedThreat)
_ID = re.compile(r"\d{1,20}", re.ASCII)


def find_event(client: Client, connector: SentinelOneConnector, event_id: str, now: datetime) -> bytes | None:
    """Return the threat of an id within the connector's accounts and sites; None when there is none."""
    del now  # a threat stays as long as the console keeps it
    if not _ID.fullmatch(event_id):
        return None
    params: dict[str, str | int] = {"ids": event_id, "limit": 1, "skipCount": "true"}
    if connector.account_ids:
        params["accountIds"] = ",".join(connector.account_ids)
    if connector.site_ids:
        params["siteIds"] = ",".join(connector.site_ids)
    found = read_page(client, params).events
    return found[0] if found else None


def read_time(connector: SentinelOneConnector, event: bytes) -> datetime | None:
    """Return when the threat was created, for verified events when it last changed; None if it does not say."""
    threat = _read_times(event)
    times = threat.threatInfo if threat and threat.threatInfo else Times()
    try:
        return read_instant((times.updatedAt if connector.only_analyst_verified else times.createdAt) or "")[0]
    except ValueError:
        return None
