"""Connections made, tested and edited by Airflow's form, as a person does it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from ci_operators.ledger.version import NEEDED_VERSION
from local_airflow.airflow_server import DATABASE, LEDGER
from local_airflow.postgres import POSTGRES_USER
from simulator import Limits, Simulator, Tokens, serve
from simulator.okta.service_app import CLIENT_ID, KeyPair, ServiceApp, make_key_pair
from simulator.settings import OKTA_TOKEN, RECORDED_FUTURE_TOKEN, SENTINELONE_TOKEN
from tests.end_to_end.chromium import visiting
from tests.end_to_end.conftest import Installation
from tests.end_to_end.connection_list import Clerk

pytestmark = pytest.mark.airflow

#: All that these tests create begins so; the list of Connections is filtered by it.
PREFIX = "by_form_"
#: Looks like a token of Recorded Future, whose check refuses others without asking.
WRONG_TOKEN = "wrong0token0of0somebody0else0001"
LEDGER_PASSWORD = "ledger-password-of-somebody"
APP = "OAuth 2.0 service app (in place of the API token)"
#: What the form shows of a stored secret.
MASK = "***"


@dataclass(frozen=True)
class Vendor:
    """A vendor's form and what its Test button says."""

    kind: str
    title: str
    url: str
    token_field: str
    token: str
    works: str
    refused: str

    @property
    def conn_id(self) -> str:
        """The Connection of these tests."""
        return PREFIX + self.kind


VENDORS = (
    Vendor(
        "okta",
        "Okta",
        "URL",
        "API Token",
        OKTA_TOKEN,
        "Okta: the token may read the System Log.",
        "Okta answered 401",
    ),
    Vendor(
        "sentinelone",
        "SentinelOne",
        "Instance URL",
        "API Key",
        SENTINELONE_TOKEN,
        "SentinelOne: the token may read threats.",
        "SentinelOne answered 401",
    ),
    Vendor(
        "recorded_future",
        "Recorded Future",
        "URL",
        "API Token",
        RECORDED_FUTURE_TOKEN,
        "Recorded Future: the token may submit detections.",
        "Recorded Future answered 401",
    ),
)


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    """Return the key pair of a service app."""
    return make_key_pair()


@pytest.fixture(scope="module")
def vendors(pair: KeyPair) -> Iterator[Simulator]:
    """Serve the three vendors, with a service app of the Okta org."""
    tokens = Tokens(okta_apps=(ServiceApp(CLIENT_ID, pair.public_key),))
    with serve(Simulator(scenario=False, limits=Limits.off(), tokens=tokens)) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def clean(installation: Installation) -> Iterator[None]:
    """Delete all Connections of these tests."""
    yield
    api = installation.address.api()
    for connection in api.list_all("/connections", "connections"):
        if connection["connection_id"].startswith(PREFIX):
            api.request("DELETE", f"/connections/{connection['connection_id']}")


@pytest.fixture
def clerk(installation: Installation, browser: Browser) -> Iterator[Clerk]:
    """Give a person at the list of Connections; no page may have complained or asked another host by the end."""
    airflow = installation.address
    with visiting(browser, airflow.url) as visit:
        visit.log_in(airflow.user, airflow.password)
        visit.go(f"/connections?name_pattern={PREFIX}")
        yield Clerk(visit.page)
        assert visit.complaints == []
        assert visit.strangers == []


def stored(installation: Installation, conn_id: str) -> dict[str, Any]:
    """Return a Connection as Airflow's API shows it."""
    found: dict[str, Any] = installation.address.api().get(f"/connections/{conn_id}")
    return found


@pytest.mark.parametrize("vendor", VENDORS, ids=[vendor.kind for vendor in VENDORS])
def test_a_vendor_s_connection_is_made_tested_and_edited(
    installation: Installation, vendors: Simulator, clerk: Clerk, vendor: Vendor
) -> None:
    form = clerk.add(vendor.conn_id, vendor.title)
    form.fill({vendor.url: vendors.url, vendor.token_field: vendor.token})
    expect(form.field("Port")).to_have_count(0)
    form.save()
    clerk.test(vendor.conn_id, vendor.works)
    shown = stored(installation, vendor.conn_id)
    assert (shown["conn_type"], shown["host"], shown["password"]) == (vendor.kind, vendors.url, MASK)

    form = clerk.edit(vendor.conn_id)
    expect(form.field(vendor.url)).to_have_value(vendors.url)
    expect(form.field(vendor.token_field)).to_have_value(MASK)
    form.fill({vendor.token_field: WRONG_TOKEN})
    form.save()
    clerk.test(vendor.conn_id, vendor.refused)
    assert WRONG_TOKEN not in clerk.page.content()


def test_okta_by_a_service_app_with_a_pasted_key(
    installation: Installation, vendors: Simulator, clerk: Clerk, pair: KeyPair
) -> None:
    conn_id, works = f"{PREFIX}okta_app", "Okta: the token may read the System Log."
    form = clerk.add(conn_id, "Okta")
    form.fill({"URL": vendors.url})
    form.unfold(APP)
    form.choose("Sign in with", "OAuth 2.0 service app")
    form.fill({"Client ID": CLIENT_ID, "Private key": pair.private_pem})
    form.save()
    clerk.test(conn_id, works)
    extra = json.loads(stored(installation, conn_id)["extra"])
    assert (extra["auth"], extra["client_id"], extra["private_key"]) == ("oauth2", CLIENT_ID, MASK)

    form = clerk.edit(conn_id)
    form.fill({"Description": "Edited: the key stays."})
    form.unfold(APP)
    expect(form.field("Private key")).to_have_value(MASK)
    expect(form.field("Client ID")).to_have_value(CLIENT_ID)
    form.save()
    clerk.test(conn_id, works)
    assert pair.private_pem.splitlines()[1] not in clerk.page.content()


@pytest.mark.parametrize("port", ["", "5432"])
def test_the_ledger_says_its_schema_s_version(installation: Installation, clerk: Clerk, port: str) -> None:
    conn_id, socket = f"{PREFIX}ledger{port}", str(installation.address.postgres.socket)
    form = clerk.add(conn_id, "Collective Insights ledger")
    form.fill({"Host": socket, "Login": POSTGRES_USER, "Password": LEDGER_PASSWORD, "Database": LEDGER, "Port": port})
    form.save()
    clerk.test(conn_id, f"Ledger: it answers, its schema is this code's ({NEEDED_VERSION}).")
    shown = stored(installation, conn_id)
    assert (shown["conn_type"], shown["schema"], shown["password"]) == ("collective_insights_ledger", LEDGER, MASK)
    assert str(shown["port"] or "") == port

    form = clerk.edit(conn_id)
    expect(form.field("Password")).to_have_value(MASK)
    form.fill({"Database": DATABASE})
    form.save()
    clerk.test(conn_id, "The ledger has no tables yet: run `python -m ci_operators ledger migrate`.")


@pytest.mark.usefixtures("browser")  # without it no form was filled in
def test_the_audit_log_knows_of_the_forms_and_shows_no_secret(installation: Installation, pair: KeyPair) -> None:
    events = installation.address.api().list_all("/eventLogs", "event_logs")
    text = json.dumps([event for event in events if PREFIX in json.dumps(event)])
    for known in (f"{PREFIX}{name}" for name in ("okta", "okta_app", "sentinelone", "recorded_future", "ledger")):
        assert known in text
    secrets = [vendor.token for vendor in VENDORS]
    for secret in (*secrets, WRONG_TOKEN, LEDGER_PASSWORD, pair.private_pem.splitlines()[1]):
        assert secret not in text
