"""The three vendors as tests meet them: API, tokens of the simulator, and one call that reads or submits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import requests

from ci_operators.core.window import Window
from ci_operators.recorded_future import api as recorded_future
from ci_operators.sources.okta import api as okta
from ci_operators.sources.okta.options import OktaConnector
from ci_operators.sources.sentinelone import api as sentinelone
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from ci_operators.transport.api import Api, Credentials, open_client
from ci_operators.transport.client import Client
from simulator import settings
from tests.virtual_time import NOON, VirtualTime

#: The window that tests read: the hour before noon.
WINDOW = Window(NOON - timedelta(hours=1), NOON)
DETECTION = (
    b'{"timestamp":"2026-03-10T11:59:00.000Z","ioc":{"type":"ip","value":"198.51.100.7","source_type":"Okta"},'
    b'"incident":{"id":"event-1","type":"security.threat.detected"},'
    b'"detection":{"name":"Okta Threat Detection","type":"correlation"}}'
)


@dataclass(frozen=True)
class VendorCase:
    """name: the simulator's word; `ask`: a call whose answer has to be read; `paths`: where it goes."""

    name: str
    api: Api
    token: str
    token_without_right: str
    ask: Callable[[Client], Any]

    def __str__(self) -> str:
        return self.name

    def connect(self, url: str, session: requests.Session, time: VirtualTime, token: str | None = None) -> Client:
        """Return a client as a Connection with this URL and token gives it."""
        credentials = Credentials("conn", url, self.token if token is None else token)
        return open_client(self.api, credentials, session, time.pacer())


def _submit(client: Client, *, debug: bool) -> Counter[str]:
    submission = recorded_future.Submission([DETECTION], Counter(ip=1), debug=debug)
    return recorded_future.submit(client, submission)


OKTA = VendorCase(
    "okta",
    okta.API,
    settings.OKTA_TOKEN,
    settings.OKTA_TOKEN_WITHOUT_ROLE,
    lambda client: list(okta.fetch(client, OktaConnector(name="acme"), WINDOW)),
)
SENTINELONE = VendorCase(
    "sentinelone",
    sentinelone.API,
    settings.SENTINELONE_TOKEN,
    settings.SENTINELONE_TOKEN_WITHOUT_ROLE,
    lambda client: list(sentinelone.fetch(client, SentinelOneConnector(name="acme"), WINDOW)),
)
DRY_RUN = VendorCase(
    "recorded_future",
    recorded_future.API,
    settings.RECORDED_FUTURE_TOKEN,
    settings.RECORDED_FUTURE_TOKEN_WITHOUT_MODULE,
    lambda client: _submit(client, debug=True),
)
LIVE = VendorCase(
    "recorded_future",
    recorded_future.API,
    settings.RECORDED_FUTURE_TOKEN,
    settings.RECORDED_FUTURE_TOKEN_WITHOUT_MODULE,
    lambda client: _submit(client, debug=False),
)
