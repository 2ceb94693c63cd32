"""The requests for alerts, the sign-in of an API client, and the handling of CrowdStrike's limits and errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ci_operators.core.errors import (
    ConfigurationError,
    CredentialsError,
    RateLimitedError,
    RequestRefusedError,
    UnavailableError,
    UnreadableAnswerError,
)
from ci_operators.core.window import Window
from ci_operators.sources.crowdstrike.api import ALERTS_PATH, API, TOKEN_PATH, explain, fetch
from ci_operators.sources.crowdstrike.options import CrowdStrikeConnector
from ci_operators.stages.extraction import extract
from ci_operators.staging.artifact import read_artifact
from ci_operators.transport.api import Credentials, open_client
from simulator.crowdstrike.api import CrowdStrikeTenant
from simulator.crowdstrike.tokens import CLIENT_ID, SECRET, SECRET_WITHOUT_SCOPE
from simulator.instants import to_us
from simulator.throttles import MinuteWindow
from tests.artifacts import read_all
from tests.sources.crowdstrike.specimens import SPECIMENS, alert, bare_alert, ioc, make_event
from tests.sources.specimens import Wire, run_steps
from tests.vendor_cases import WINDOW

PLAIN = CrowdStrikeConnector(name="acme")
VERIFIED = CrowdStrikeConnector(name="acme", only_analyst_verified=True)
FORGOTTEN = {"meta": {}, "errors": [{"code": 404, "message": "Search context expired"}], "resources": []}
SINCE, UNTIL = "2026-03-10T11:00:00.000Z", "2026-03-10T12:00:00.000Z"


def tenant(wire: Wire) -> CrowdStrikeTenant:
    return wire.simulator.find(CrowdStrikeTenant)


def add_alerts(wire: Wire, count: int, at_once: int = 1) -> list[str]:
    """Add alerts of the window, this many with equal times, and return their ids."""
    events = SPECIMENS.spread_events(count, at_once)
    SPECIMENS.serve_events(wire.simulator, events)
    return [event["composite_id"] for event in events]


def fetch_ids(wire: Wire, connector: CrowdStrikeConnector = PLAIN, window: Window = WINDOW) -> list[str]:
    pages = fetch(wire.client, connector, window)
    return [json.loads(event)["composite_id"] for page in pages for event in page.events]


def asked(wire: Wire) -> list[tuple[str, int | None]]:
    return [(entry.path, entry.status) for entry in wire.simulator.requests]


# --- requests


def test_plain_windows_hold_alerts_by_their_creation(wire: Wire) -> None:
    ids = add_alerts(wire, 1001)
    assert fetch_ids(wire) == ids
    first, second = tenant(wire).queries
    bounds = f"created_timestamp:>='{SINCE}'+created_timestamp:<'{UNTIL}'"
    assert first == {"filter": f"{bounds}+product:['epp']", "sort": "created_timestamp|asc", "limit": 1000}
    assert second.pop("after")
    assert second == first, "filter and sorting are repeated with the token"
    assert asked(wire) == [(TOKEN_PATH, 201), (ALERTS_PATH, 200), (ALERTS_PATH, 200)]
    assert wire.session.sent[1].headers["Authorization"] == f"Bearer {tenant(wire).token_endpoint.issued[0]}"


def test_verified_windows_hold_alerts_by_their_verdict(wire: Wire) -> None:
    old = [make_event(WINDOW.since - timedelta(days=2), number) for number in range(3)]
    SPECIMENS.serve_events(wire.simulator, old)
    at = to_us(WINDOW.since)
    for event, resolution in zip(old, ("true_positive", "false_positive"), strict=False):
        tenant(wire).change(event["composite_id"], at, status="closed", resolution=resolution)
    assert fetch_ids(wire, VERIFIED) == [event["composite_id"] for event in old[:2]], (
        "the filter step reads the verdict"
    )
    assert fetch_ids(wire, PLAIN) == []
    query = tenant(wire).queries[0]
    floor = "created_timestamp:>='2025-12-10T11:00:00.000Z'"
    bounds = f"updated_timestamp:>='{SINCE}'+updated_timestamp:<'{UNTIL}'"
    assert query["filter"] == f"{bounds}+{floor}+product:['epp']"
    assert query["sort"] == "created_timestamp|asc", "a time that never changes"


def test_a_changed_update_time_gives_the_same_detections(wire: Wire) -> None:
    event = make_event(WINDOW.since - timedelta(hours=2), 1) | {"resolution": "true_positive"}
    SPECIMENS.serve_events(wire.simulator, [event])
    texts = []
    for minutes in (1, 31):
        moved = WINDOW.since + timedelta(minutes=minutes)
        tenant(wire).change(event["composite_id"], to_us(moved))
        window = Window(moved - timedelta(minutes=1), moved + timedelta(minutes=1))
        (text,) = (text for page in fetch(wire.client, VERIFIED, window) for text in page.events)
        texts.append(text)
    assert texts[0] != texts[1]
    first, second = (run_steps(SPECIMENS.source, VERIFIED, text).detections for text in texts)
    assert first == second != []


def test_an_alert_that_is_indexed_late_is_read_with_the_overlap(wire: Wire) -> None:
    late = make_event(WINDOW.until - timedelta(minutes=5), 1)
    wire.simulator.add_event("crowdstrike", late, WINDOW.until + timedelta(minutes=2))
    assert fetch_ids(wire) == []
    wire.time.sleep(300)
    after = Window(WINDOW.until - PLAIN.overlap, WINDOW.until + timedelta(minutes=5))
    assert fetch_ids(wire, PLAIN, after) == [late["composite_id"]]


@pytest.mark.parametrize(
    ("products", "clause"),
    [(("epp", "ngsiem"), "+product:['epp', 'ngsiem']"), ((), ""), (("idp",), "+product:['idp']")],
)
def test_products_are_asked_for(products: tuple[str, ...], clause: str, wire: Wire) -> None:
    SPECIMENS.serve_events(wire.simulator, [make_event(WINDOW.since, 1) | {"product": "ngsiem"}])
    found = fetch_ids(wire, CrowdStrikeConnector(name="acme", products=products))
    assert len(found) == ("idp" not in products)
    assert tenant(wire).queries[0]["filter"].partition(UNTIL + "'")[2] == clause


@pytest.mark.parametrize("product", ["", "a'b", "EPP", "x" * 41])
def test_an_invalid_product_is_refused(product: str) -> None:
    with pytest.raises(ValueError, match="products"):
        CrowdStrikeConnector(name="acme", products=(product,))


# --- paging


def test_alerts_of_one_instant_at_the_edge_of_a_page_all_come(wire: Wire) -> None:
    ids = add_alerts(wire, 2500, at_once=1500)
    assert fetch_ids(wire) == ids


def test_an_empty_page_in_the_middle_does_not_end_them(wire: Wire) -> None:
    ids = add_alerts(wire, 2001)
    wire.simulator.add_fault("crowdstrike", "empty_page")
    assert fetch_ids(wire) == ids


def test_an_empty_page_that_leads_to_itself_is_the_last(wire: Wire) -> None:
    for resources in ([alert()], []):
        body = {"resources": resources, "errors": [], "meta": {"pagination": {"after": "same"}}}
        wire.simulator.add_fault("crowdstrike", "status", status=200, body=body, path=ALERTS_PATH)
    assert len(fetch_ids(wire)) == 1


@pytest.mark.parametrize(
    "meta", [{}, {"pagination": None}, {"pagination": {"total": 1}}, {"pagination": {"after": ""}}]
)
def test_the_end_is_written_in_several_ways(meta: Any, wire: Wire) -> None:
    body = {"meta": meta, "errors": None, "resources": [alert()]}
    wire.simulator.add_fault("crowdstrike", "status", status=200, body=body, path=ALERTS_PATH)
    assert len(fetch_ids(wire)) == 1


def forget_search(wire: Wire) -> None:
    wire.simulator.add_fault("crowdstrike", "status", status=404, body=FORGOTTEN, path=ALERTS_PATH, skip=2)


def forget_search_with_a_200(wire: Wire) -> None:
    wire.simulator.add_fault("crowdstrike", "status", status=200, body=FORGOTTEN, path=ALERTS_PATH, skip=2)


def end_at_2000(wire: Wire) -> None:
    tenant(wire).ceiling = 2000


@pytest.mark.parametrize("hamper", [forget_search, forget_search_with_a_200, end_at_2000])
@pytest.mark.parametrize("connector", [PLAIN, VERIFIED])
def test_a_search_that_ends_early_is_read_in_pieces(
    hamper: Callable[[Wire], None], connector: CrowdStrikeConnector, wire: Wire, tmp_path: Path
) -> None:
    ids = add_alerts(wire, 3500, at_once=3)
    hamper(wire)
    extract(partial(fetch, wire.client, connector), WINDOW, "alerts", tmp_path)
    assert [json.loads(event)["composite_id"] for event in read_all(tmp_path / "extract.jsonl.zst")] == ids


def test_more_alerts_of_one_instant_than_a_ceiling_allows_are_refused(wire: Wire, tmp_path: Path) -> None:
    add_alerts(wire, 3500, at_once=3500)
    tenant(wire).ceiling = 2000
    with pytest.raises(RequestRefusedError, match="Smaller pieces of the window did not help"):
        extract(partial(fetch, wire.client, PLAIN), WINDOW, "alerts", tmp_path)


@pytest.mark.parametrize("status", [200, 207])
@pytest.mark.parametrize("errors", [[{"code": 500, "message": "shard failed"}], ["x"], {"code": 1}, "broken"])
def test_a_page_that_reports_errors_is_not_complete(errors: Any, status: int, wire: Wire) -> None:
    body = {"resources": [alert()], "errors": errors}
    wire.simulator.add_fault("crowdstrike", "status", status=status, body=body, path=ALERTS_PATH)
    with pytest.raises(
        UnreadableAnswerError, match=rf"answered {status} with errors \(.*\): the page may be incomplete"
    ):
        fetch_ids(wire)


@pytest.mark.parametrize("body", [[], {}, {"errors": [{"code": 1}]}, {"resources": "none"}])
def test_another_envelope_is_unreadable(body: Any, wire: Wire) -> None:
    wire.simulator.add_fault("crowdstrike", "status", status=200, body=body, path=ALERTS_PATH)
    with pytest.raises(UnreadableAnswerError):
        fetch_ids(wire)


# --- limits


def test_a_burst_beyond_the_rate_limit_completes_and_each_try_advances(wire: Wire, tmp_path: Path) -> None:
    tenant(wire).window = MinuteWindow(2)
    ids = add_alerts(wire, 5000)
    for _ in range(2):
        with pytest.raises(RateLimitedError) as caught:
            extract(partial(fetch, wire.client, PLAIN), WINDOW, "alerts", tmp_path)
        wire.time.sleep(caught.value.retry_after_s or 0.0)
    artifact = extract(partial(fetch, wire.client, PLAIN), WINDOW, "alerts", tmp_path).artifact
    assert artifact is not None
    events = [json.loads(event) for events in read_artifact(artifact) for event in events]
    assert [event["composite_id"] for event in events] == ids
    statuses = [entry.status for entry in wire.simulator.requests]
    assert statuses == [201, 200, 429, 200, 200, 429, 200, 200], "no page is read twice"


def test_a_429_without_a_time_is_waited_out(wire: Wire) -> None:
    wire.simulator.add_fault("crowdstrike", "status", status=429, headers={"X-Ratelimit-Retryafter": ""})
    assert fetch_ids(wire) == []


# --- signing in


def test_an_access_token_that_ends_in_mid_paging_is_replaced(wire: Wire) -> None:
    ids = add_alerts(wire, 3001)
    found = []
    for page in fetch(wire.client, PLAIN, WINDOW):
        found += [json.loads(event)["composite_id"] for event in page.events]
        wire.time.sleep(1200)
    assert found == ids
    assert [path for path, _ in asked(wire)].count(TOKEN_PATH) == 2, "every half an hour"


def test_an_access_token_that_is_revoked_in_mid_paging_costs_one_401(wire: Wire) -> None:
    ids = add_alerts(wire, 2001)
    pages = fetch(wire.client, PLAIN, WINDOW)
    found = list(next(pages).events)
    tenant(wire).token_endpoint.revoke_all()
    found += [event for page in pages for event in page.events]
    assert len(found) == len(ids)
    assert [status for _, status in asked(wire)] == [201, 200, 401, 201, 200, 200]


def connect(wire: Wire, secret: str = SECRET, url: str | None = None, **options: str) -> Any:
    credentials = Credentials("conn", wire.simulator.url if url is None else url, secret, options)
    return open_client(API, credentials, wire.session, wire.time.pacer())


@pytest.mark.parametrize(
    ("secret", "client_id", "sentence"),
    [
        (
            "0123456789abcdef",
            CLIENT_ID,
            r"token endpoint answered 401 \(401: access denied, invalid client\): .*expired",
        ),
        (SECRET, "someone", r"token endpoint answered 400 \(.*clientID=someo\.\): the client ID or secret is wrong"),
        (SECRET_WITHOUT_SCOPE, CLIENT_ID, r"CrowdStrike answered 403 \(.*\): .*lacks the scope Alerts: Read"),
    ],
)
def test_a_refusal_names_what_to_do(secret: str, client_id: str, sentence: str, wire: Wire) -> None:
    with pytest.raises(CredentialsError, match=sentence):
        API.check(connect(wire, secret, client_id=client_id))


def test_a_403_of_the_token_endpoint_names_the_allowlist(wire: Wire) -> None:
    wire.simulator.add_fault("crowdstrike", "status", status=403, path=TOKEN_PATH)
    with pytest.raises(CredentialsError, match="IP allowlist"):
        API.check(wire.client)


def test_a_token_endpoint_that_fails_is_not_taken_for_a_wrong_secret(wire: Wire) -> None:
    wire.simulator.add_fault("crowdstrike", "status", status=503, path=TOKEN_PATH, count=10)
    with pytest.raises(UnavailableError, match="token endpoint answered 503"):
        API.check(wire.client)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, r"client_id is empty\. Copy it from the Falcon console"),
        ({"client_id": CLIENT_ID, "cloud": "us-9"}, r"cloud is 'us-9'; allowed are us-1, us-2, us-3, eu-1"),
    ],
)
def test_a_missing_connection_field_is_named(options: dict[str, str], sentence: str, wire: Wire) -> None:
    with pytest.raises(ConfigurationError, match=f"Connection conn: {sentence}"):
        connect(wire, url="", **options)
    assert not wire.session.sent


def test_a_connection_without_a_secret_is_named(wire: Wire) -> None:
    with pytest.raises(ConfigurationError, match=r"Connection conn: password is empty\. Create an API client"):
        connect(wire, " ", client_id=CLIENT_ID)


@pytest.mark.parametrize(
    ("url", "cloud", "base_url"),
    [
        ("", "", "https://api.crowdstrike.com"),
        ("", "EU-1", "https://api.eu-1.crowdstrike.com"),
        ("", "us-gov-1", "https://api.laggar.gcw.crowdstrike.com"),
        ("https://falcon.us-2.crowdstrike.com/activity-v2/detections", "eu-1", "https://api.us-2.crowdstrike.com"),
        ("https://gateway.example.org/", "us-2", "https://gateway.example.org"),
    ],
)
def test_the_cloud_gives_the_url_unless_there_is_one(url: str, cloud: str, base_url: str, wire: Wire) -> None:
    assert connect(wire, url=url, client_id=CLIENT_ID, cloud=cloud).base_url == base_url


def test_another_cloud_is_named_with_its_url(wire: Wire) -> None:
    tenant(wire).region = "us-2"
    sentence = r"belongs to the cloud us-2, not to us-1: set cloud to us-2 in .* https://api\.us-2\.crowdstrike\.com"
    with pytest.raises(CredentialsError, match=sentence):
        API.check(connect(wire, client_id=CLIENT_ID, cloud="us-1"))
    assert [path for path, _ in asked(wire)] == [TOKEN_PATH], "the token is not used"
    with pytest.raises(CredentialsError, match="Correct the cloud in the Connection"):
        API.check(connect(wire, client_id=CLIENT_ID))


def test_a_redirect_to_another_cloud_is_named(wire: Wire) -> None:
    headers = {"Location": "https://api.eu-1.crowdstrike.com/oauth2/token"}
    wire.simulator.add_fault("crowdstrike", "status", status=308, headers=headers, path=TOKEN_PATH)
    with pytest.raises(RequestRefusedError, match=r"a redirect to api\.eu-1\.crowdstrike\.com"):
        API.check(wire.client)


def test_an_unknown_region_is_not_an_error(wire: Wire) -> None:
    tenant(wire).region = tenant(wire).cloud = "mars-1"
    assert API.check(connect(wire, client_id=CLIENT_ID, cloud="us-1"))


def test_a_parent_reads_the_alerts_of_its_child(wire: Wire) -> None:
    API.check(connect(wire, client_id=CLIENT_ID, member_cid=" 0123456789ABCDEF "))
    API.check(connect(wire, client_id=CLIENT_ID))
    assert tenant(wire).token_endpoint.member_cids == ["0123456789ABCDEF", ""]


def test_no_error_shows_a_secret(wire: Wire) -> None:
    API.check(wire.client)
    token = tenant(wire).token_endpoint.issued[0]
    body = {"errors": [{"code": 400, "message": f"{token} {SECRET}"}]}
    wire.simulator.add_fault("crowdstrike", "status", status=404, body=body, path=ALERTS_PATH)
    with pytest.raises(RequestRefusedError) as caught:
        API.check(wire.client)
    assert token not in str(caught.value)
    assert SECRET not in str(caught.value)


# --- alerts


def test_ten_thousand_indicators_of_one_alert_become_as_many_detections() -> None:
    entries = [ioc("hash_sha256", f"{number:064x}") for number in range(1, 10_001)]
    outcome = run_steps(SPECIMENS.source, PLAIN, json.dumps(bare_alert(ioc_context=entries)).encode())
    assert len({json.loads(text)["ioc"]["value"] for text in outcome.detections}) == 10_000
    assert not outcome.verdicts


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"errors": [{"code": 403, "message": "access denied"}]}, "403: access denied"),
        ({"errors": [{"message": "A"}, {"code": 2}]}, "A"),
        ({"errors": []}, ""),
        ({"errors": None}, ""),
        ({"errors": ["text"]}, ""),
        ({}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_errors_are_explained(error: Any, said: str) -> None:
    assert explain(json.dumps(error).encode()) == said
