"""Connections that are created, tested and edited in Airflow's form, as a person does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from playwright.sync_api import expect

from ci_operators.core.about import About
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.hooks import load_vendors
from ci_operators.ledger.version import NEEDED_VERSION
from ci_operators.recorded_future.api import API as RECORDED_FUTURE
from ci_operators.sources import SOURCES
from ci_operators.sources.registry import load_source
from ci_operators.transport.api import Credentials, open_client
from ci_operators.transport.pacing import Pacer
from local_airflow.airflow_server import DATABASE, LEDGER
from local_airflow.postgres import POSTGRES_USER
from simulator import Limits, Simulator, serve
from simulator.okta.service_app import CLIENT_ID, KeyPair, ServiceApp, make_key_pair
from simulator.settings import Tokens
from simulator.vendor import SignIn
from simulator.vendors import VENDORS
from tests.end_to_end.chromium import Visit
from tests.end_to_end.conftest import Installation
from tests.end_to_end.connection_list import Clerk, Form
from tests.vendor_cases import SECRETS

pytestmark = pytest.mark.airflow

#: The prefix of all Connections of these tests, and the filter of the list.
PREFIX = "by_form_"
#: Looks like a token of Recorded Future, since its check refuses others without a request.
WRONG_TOKEN = "wrong0token0of0somebody0else0001"
LEDGER_PASSWORD = "ledger-password-of-somebody"
APP = "OAuth 2.0 service app (instead of the API token)"
#: The form's placeholder for a stored secret.
MASK = "***"


@dataclass(frozen=True)
class Vendor:
    """A vendor's form, by its connection type."""

    kind: str
    about: About

    def __str__(self) -> str:
        return self.kind

    @property
    def conn_id(self) -> str:
        """The Connection of these tests."""
        return PREFIX + self.kind

    @property
    def sign_in(self) -> SignIn:
        """The values of the fields."""
        return VENDORS[self.kind].sign_in

    def fill(self, form: Form, url: str) -> None:
        """Fill in the whole form."""
        form.fill({self.about.url[0]: url, self.about.token[0]: self.sign_in.password})
        fields = {name: self.about.fields[name] for name in self.sign_in.extra}
        for section in dict.fromkeys(field.section for field in fields.values()):
            form.unfold(section)
        for name, field in fields.items():
            text = self.sign_in.extra[name]
            if field.choices:
                form.choose(field.label, field.choices[text])
            else:
                form.fill({field.label: text})

    def check(self, url: str, token: str = "") -> str:
        """Return the message of the Connection's check, which the button has to show."""
        api = load_source(self.kind).api if self.kind in SOURCES else RECORDED_FUTURE
        credentials = Credentials(self.conn_id, url, token or self.sign_in.password, self.sign_in.extra)
        client = open_client(api, credentials, requests.Session(), Pacer())
        return f"{self.about.title}: {api.check(client)}."


FORMS = tuple(Vendor(kind, about) for kind, about in load_vendors().items())


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    """Return the key pair of a service app."""
    return make_key_pair()


@pytest.fixture(scope="module")
def vendors(pair: KeyPair) -> Iterator[Simulator]:
    """Serve all vendors, with a service app of the Okta org."""
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
def clerk(visit: Visit) -> Clerk:
    """Return a person at the list of Connections."""
    return Clerk(visit.go(f"/connections?name_pattern={PREFIX}"))


def stored(installation: Installation, conn_id: str) -> dict[str, Any]:
    """Return a Connection as Airflow's API shows it."""
    found: dict[str, Any] = installation.address.api().get(f"/connections/{conn_id}")
    return found


@pytest.mark.parametrize("vendor", FORMS, ids=str)
def test_a_vendor_s_connection_is_made_tested_and_edited(
    installation: Installation, vendors: Simulator, clerk: Clerk, vendor: Vendor
) -> None:
    url, token = vendor.about.url[0], vendor.about.token[0]
    form = clerk.add(vendor.conn_id, vendor.about.title)
    vendor.fill(form, vendors.url)
    expect(form.field("Port")).to_have_count(0)
    form.save()
    clerk.test(vendor.conn_id, vendor.check(vendors.url))
    shown = stored(installation, vendor.conn_id)
    assert (shown["conn_type"], shown["host"], shown["password"]) == (vendor.kind, vendors.url, MASK)

    form = clerk.edit(vendor.conn_id)
    expect(form.field(url)).to_have_value(vendors.url)
    expect(form.field(token)).to_have_value(MASK)
    form.fill({token: WRONG_TOKEN})
    form.save()
    with pytest.raises(CollectiveInsightsError, match=" answered 4") as refused:
        vendor.check(vendors.url, WRONG_TOKEN)
    clerk.test(vendor.conn_id, str(refused.value))
    assert WRONG_TOKEN not in clerk.page.content()


def test_okta_by_a_service_app_with_a_pasted_key(
    installation: Installation, vendors: Simulator, clerk: Clerk, pair: KeyPair
) -> None:
    conn_id, works = f"{PREFIX}okta_app", "Okta: the token can read the System Log."
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
    clerk.test(conn_id, f"Ledger: it answers, and its schema has the version of this code ({NEEDED_VERSION}).")
    shown = stored(installation, conn_id)
    assert (shown["conn_type"], shown["schema"], shown["password"]) == ("collective_insights_ledger", LEDGER, MASK)
    assert str(shown["port"] or "") == port

    form = clerk.edit(conn_id)
    expect(form.field("Password")).to_have_value(MASK)
    form.fill({"Database": DATABASE})
    form.save()
    clerk.test(conn_id, "The ledger has no tables yet: run `python -m ci_operators ledger migrate`.")


@pytest.mark.usefixtures("browser")  # otherwise no form was filled in
def test_the_audit_log_knows_of_the_forms_and_shows_no_secret(installation: Installation, pair: KeyPair) -> None:
    events = installation.address.api().list_all("/eventLogs", "event_logs")
    text = json.dumps([event for event in events if PREFIX in json.dumps(event)])
    for known in (f"{PREFIX}{name}" for name in (*load_vendors(), "okta_app", "ledger")):
        assert known in text
    for secret in (*SECRETS, WRONG_TOKEN, LEDGER_PASSWORD, pair.private_pem.splitlines()[1]):
        assert secret not in text
