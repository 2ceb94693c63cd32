"""The Test button of Connections, called as the UI calls it, since the forms of Airflow 3.1 have other labels."""

from __future__ import annotations

import pytest

from ci_operators.ledger.version import NEEDED_VERSION
from local_airflow.airflow_server import LEDGER
from local_airflow.postgres import POSTGRES_USER
from simulator import Limits, Simulator, serve
from simulator.settings import OKTA_TOKEN
from tests.end_to_end.conftest import Installation

pytestmark = pytest.mark.airflow


def press(installation: Installation, **connection: str) -> tuple[bool, str]:
    """Return the message of the button for a Connection that is not stored yet."""
    body = {"connection_id": "button", **connection}
    answer = installation.address.api().request("POST", "/connections/test", json=body).json()
    return answer["status"], answer["message"]


def test_the_button_says_what_a_vendor_says(installation: Installation) -> None:
    with serve(Simulator(scenario=False, limits=Limits.off())) as vendor:
        okta = {"conn_type": "okta", "host": vendor.url}
        assert press(installation, **okta, password=OKTA_TOKEN) == (True, "Okta: the token can read the System Log.")
        works, says = press(installation, **okta, password="wrong0token0of0somebody0else0001")
        assert (works, "Okta answered 401" in says) == (False, True)


def test_the_button_says_the_version_of_the_ledger(installation: Installation) -> None:
    socket = str(installation.address.postgres.socket)
    ledger = {"conn_type": "collective_insights_ledger", "host": socket, "login": POSTGRES_USER, "schema": LEDGER}
    assert press(installation, **ledger) == (
        True,
        f"Ledger: it answers, and its schema has the version of this code ({NEEDED_VERSION}).",
    )
