"""CrowdStrike's Alerts API, `POST /alerts/combined/alerts/v1`, as its reference and SDKs describe it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from ci_operators.core.errors import CredentialsError, RequestRefusedError
from ci_operators.core.instant import format_instant
from ci_operators.core.tolerant import make_path_reader
from ci_operators.core.window import Window
from ci_operators.sources.crowdstrike import ABOUT, CLOUDS
from ci_operators.sources.crowdstrike.options import CrowdStrikeConnector
from ci_operators.transport.api import Api, Credentials
from ci_operators.transport.auth import Auth
from ci_operators.transport.client import Client
from ci_operators.transport.elements import cut_elements, decode_answer
from ci_operators.transport.oauth import ClientCredentials, secret_grant
from ci_operators.transport.pacing import RateLimitHeaders
from ci_operators.transport.paging import Page, read_pages
from ci_operators.transport.vendor import Answer, Vendor, read_error

ALERTS_PATH, TOKEN_PATH = "/alerts/combined/alerts/v1", "/oauth2/token"
PAGE_SIZE = 1000

_WHERE = "the Falcon console: Support and resources > API clients and keys"
_COMPARE = (
    "the client ID or secret is wrong, was reset or has expired, belongs to another cloud, or is blocked by an IP "
    f"allowlist. Compare them with {_WHERE}, and reset the secret if you are not sure."
)
#: A composite id. It can be quoted in a filter as it is.
_ID = re.compile(r"(?=.{3,300}\Z)[\w-]+(?::[\w.-]+)+", re.ASCII)
_read_after = make_path_reader("meta.pagination.after")


class Envelope(Struct, frozen=True):
    """A page of alerts; `meta.pagination.after` is the token of the next one."""

    resources: list[msgspec.Raw] | None
    errors: Any = None


_envelope = msgspec.json.Decoder(Envelope)


def fetch(
    client: Client, connector: CrowdStrikeConnector, window: Window, tokens: Sequence[str] = ()
) -> Iterator[Page]:
    """Yield the pages of alerts of a window, in order of creation. A page token is `after`."""
    bounds = make_filter(connector, window)
    query: dict[str, str | int] = {"filter": bounds, "sort": "created_timestamp|asc", "limit": PAGE_SIZE}

    def ask(after: str | None) -> Page:
        page = read_page(client, {**query, "after": after} if after else query)
        # An empty page that leads to itself is the last one.
        return replace(page, token=page.token if page.events or page.token != after else None)

    return read_pages(client, ask, tokens)


def make_filter(connector: CrowdStrikeConnector, window: Window) -> str:
    """Return the FQL filter for a window's alerts."""
    key, floor = connector.window_key, window.since - connector.verified_floor
    parts = [f"{key}:>='{format_instant(window.since)}'", f"{key}:<'{format_instant(window.until)}'"]
    if connector.only_analyst_verified:
        parts.append(f"created_timestamp:>='{format_instant(floor)}'")
    return "+".join([*parts, f"product:{list(connector.products)}"] if connector.products else parts)


def find_event(client: Client, connector: CrowdStrikeConnector, event_id: str, now: datetime) -> bytes | None:
    """Return the alert with a composite id, or None if there is none."""
    del connector, now  # CrowdStrike finds every alert that it keeps
    if not _ID.fullmatch(event_id):
        return None
    return next(iter(read_page(client, {"filter": f"composite_id:'{event_id}'", "limit": 1}).events), None)


def read_page(client: Client, query: Mapping[str, str | int]) -> Page:
    """Return one page of alerts. Raises UnreadableAnswerError if it reports errors: it may be incomplete.

    Raises RequestRefusedError if it reports that `after` is no longer valid.
    """
    answer = client.retry(lambda: client.send("POST", ALERTS_PATH, body=msgspec.json.encode(query)))
    envelope = decode_answer(answer.body, _envelope, client.vendor.title)
    if answer.status != 200 or envelope.errors:
        error = explain(answer.body)
        if "after" in query and error.startswith(("400", "404")):
            said = f"{answer.status} with errors ({client.quote(error, 300)})"
            raise RequestRefusedError(
                f"CrowdStrike answered {said}: the page token is not valid.", status=answer.status
            )
        raise client.report_errors(error, answer.status)
    return Page(cut_elements(envelope.resources or []), _read_after(answer.body) or None)


def check(client: Client) -> str:
    """Return what works, after the cheapest authenticated request: one alert."""
    read_page(client, {"limit": 1})
    return "the API client can read alerts"


def explain(body: bytes) -> str:
    """Return the code and the message of the first error in a body."""
    return read_error(body, lambda answer: [answer["errors"][0].get(name) for name in ("code", "message")])


VENDOR = Vendor(
    title=ABOUT.title,
    explain=explain,
    cooldown=RateLimitHeaders("X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Retryafter", 60).read_cooldown,
    credentials_hint="it rejected the access token. Correct the cloud in the Connection.",
    permission_hint=f"the API client lacks the scope Alerts: Read. Add it in {_WHERE}.",
    success=frozenset({200, 207}),
)
TOKEN_ENDPOINT = replace(
    VENDOR,
    title="CrowdStrike's token endpoint",
    credentials_hint=_COMPARE,
    permission_hint=_COMPARE,
    fix=lambda status, _body: _COMPARE if status == 400 else "",
    success=frozenset({200, 201}),
)


def sign_in(credentials: Credentials, base_url: str) -> tuple[Vendor, Auth]:
    """Return how an API client signs in to the cloud of the base URL, or else to the one in the Connection."""
    options, urls = credentials.options, {url: cloud for cloud, url in API.clouds.items()}
    child = {"member_cid": str(options["member_cid"]).strip()} if options.get("member_cid") else {}
    where_secret = f"Create an API client in {_WHERE}."
    grant = secret_grant(credentials, "", where_client_id=_WHERE, where_secret=where_secret, form=child)
    check_answer = partial(_check_region, urls.get(base_url) or str(options.get("cloud") or ""))
    return VENDOR, ClientCredentials(TOKEN_ENDPOINT, TOKEN_PATH, grant, credentials.mask, check_answer=check_answer)


API = Api(
    about=ABOUT,
    vendor=VENDOR,
    sign_ins={"oauth2": sign_in},
    check=check,
    repair_url=lambda url: url.replace("://falcon.", "://api."),
    clouds={cloud: f"https://api.{domain}" for cloud, domain in CLOUDS.items()},
)


def _check_region(cloud: str, answer: Answer) -> None:
    """Raise CredentialsError for a token of another cloud, which CrowdStrike names: the API here would reject it."""
    region = answer.headers.get("X-Cs-Region", "").strip().lower()
    if cloud and region in API.clouds and region != cloud.strip().lower():
        raise CredentialsError(
            f"CrowdStrike's API client belongs to the cloud {region}, not to {cloud[:20]}: set cloud to {region} in "
            f"the Connection, and leave its URL empty or set it to {API.clouds[region]}."
        )
