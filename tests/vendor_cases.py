"""The three vendors for tests: API, tokens of the simulator, and one call that reads or submits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import requests

from ci_operators.core.window import Window
from ci_operators.hooks import load_vendors
from ci_operators.recorded_future import api as recorded_future
from ci_operators.sources.okta import api as okta
from ci_operators.sources.okta.options import OktaConnector
from ci_operators.sources.sentinelone import api as sentinelone
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from ci_operators.transport.api import Api, Credentials, open_client
from ci_operators.transport.client import Client
from simulator import settings
from simulator.vendors import VENDORS
from tests.virtual_time import NOON, VirtualTime

#: The window that tests read: the hour before noon.
WINDOW = Window(NOON - timedelta(hours=1), NOON)
DETECTION = (
    b'{"timestamp":"2026-03-10T11:59:00.000Z","ioc":{"type":"ip","value":"198.51.100.7","source_type":"Okta"},'
    b'"incident":{"id":"event-1","type":"security.threat.detected"},'
    b'"detection":{"name":"Okta Threat Detection","type":"correlation"}}'
)

#: Secrets of the simulated vendors that must not be in a log: passwords, and secret fields of the forms.
SECRETS = tuple(
    secret
    for name, about in load_vendors().items()
    for secret in (
        VENDORS[name].sign_in.password,
        *(text for key, text in VENDORS[name].sign_in.extra.items() if about.fields[key].is_secret),
    )
)


def airflow_connections(url: str) -> dict[str, str]:
    """Return Connections to all vendors of a simulator, by Airflow's environment variables."""
    return {
        f"AIRFLOW_CONN_{name.upper()}_DEFAULT": json.dumps(
            {"conn_type": "http", "host": url, "password": tenant.sign_in.password, "extra": dict(tenant.sign_in.extra)}
        )
        for name, tenant in VENDORS.items()
    }


@dataclass(frozen=True)
class VendorCase:
    """name: the simulator's name; `ask`: a call whose answer has to be read; extra: the form's further fields."""

    name: str
    api: Api
    token: str
    token_without_right: str
    ask: Callable[[Client], Any]
    extra: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    def connect(self, url: str, session: requests.Session, time: VirtualTime, token: str | None = None) -> Client:
        """Return a client from a Connection with this URL and token."""
        credentials = Credentials("conn", url, self.token if token is None else token, self.extra)
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
