"""Files with the data of the pages."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.row import Row
from ci_operators.pages.exports import make_layer
from ci_operators.pages.request import Period
from tests.ledger.delivered import accept_batch
from tests.pages.conftest import LogIn
from tests.pages.layer_schema import LAYER_SCHEMA
from tests.pages.test_trends import MARCH, TWO_LEDGERS


def accept(ledger: Connection, indicator: str, codes: list[str]) -> None:
    """Deliver a detection of okta."""
    deliveries = Deliveries(ledger, "okta", "run", "rf").lock()
    row = Row(indicator.encode().ljust(16)[:16], "e", "ip", indicator, "2026-03-10T12:00:00.000Z", codes, b"{}")
    (batch,) = deliveries.plan([[row]], [])
    deliveries.reserve([batch], 1000)
    deliveries.accept([batch])


@pytest.mark.parametrize("what", ["days", "reasons", "indicators", "techniques", "connectors"])
@pytest.mark.parametrize("form", ["csv", "json"])
def test_everything_can_be_exported(client: TestClient, ledger: Connection, what: str, form: str) -> None:
    accept_batch(ledger, 1)
    answer = client.get(f"/api/export/{what}.{form}?{MARCH}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == f'attachment; filename="collective-insights-{what}.{form}"'
    assert ("csv" if form == "csv" else "json") in answer.headers["content-type"]


def test_csv_has_a_line_for_each_row(client: TestClient, ledger: Connection) -> None:
    accept_batch(ledger, 1, 2)
    rows = list(csv.DictReader(io.StringIO(client.get(f"/api/export/days.csv?{MARCH}").text)))
    assert rows == [{"day": "2026-03-10", "connector": "okta", "detections": "2"}]


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\n=1", " =1", "\uff1d1"])
def test_vendor_text_is_not_a_spreadsheet_formula(client: TestClient, ledger: Connection, formula: str) -> None:
    accept(ledger, formula, [])
    rows = list(csv.DictReader(io.StringIO(client.get(f"/api/export/indicators.csv?{MARCH}").text)))
    assert [row["value"] for row in rows] == [f"'{formula}"]


def test_layer_holds_the_delivered_techniques(client: TestClient, ledger: Connection) -> None:
    accept(ledger, "198.51.100.1", ["T1110.003"])
    accept(ledger, "198.51.100.2", ["T1110.003", "T1110", "TA0006"])
    accept(ledger, "198.51.100.3", [])
    layer = client.get(f"/api/navigator-layer?{MARCH}").json()
    jsonschema.validate(layer, LAYER_SCHEMA)
    assert {each["techniqueID"]: each["score"] for each in layer["techniques"]} == {"T1110": 1, "T1110.003": 2}


def test_layer_without_connectors_is_empty(log_in: LogIn, ledger: Connection) -> None:
    accept(ledger, "198.51.100.1", ["T1110"])
    assert log_in("only-sentinelone").get(f"/api/navigator-layer?{MARCH}").json()["techniques"] == []


@pytest.mark.parametrize("path", ["export/days.csv", "export/reasons.json", "navigator-layer"])
def test_a_partial_export_fails(client: TestClient, path: str) -> None:
    answer = client.get(f"/api/{path}?{MARCH}")
    assert answer.status_code == 503
    assert answer.json()["detail"].startswith("Not exported, because a part would be missing: ")


def test_hidden_data_cannot_be_exported(client: TestClient) -> None:
    answer = client.get("/api/export/tokens.csv")
    assert answer.status_code == 400
    assert answer.json()["detail"] == "what: input should be 'days', 'reasons', 'indicators' or 'techniques'."


def test_broken_ledger_of_others_does_not_fail_an_export(
    log_in: LogIn, ledger: Connection, connectors_file: Path
) -> None:
    connectors_file.write_text(TWO_LEDGERS)
    accept_batch(ledger, 1)
    assert log_in("reader").get(f"/api/export/days.csv?{MARCH}").status_code == 503
    for client, more in ((log_in("only-okta"), ""), (log_in("reader"), "&connector=okta")):
        answer = client.get(f"/api/export/days.csv?{MARCH}{more}")
        assert answer.status_code == 200, answer.text
        assert "okta,1" in answer.text


NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
WEEK = Period(NOON - timedelta(days=7), NOON)


@pytest.mark.parametrize("counts", [{}, {"T1110": 1}, {"T1110": 3, "T1110.003": 40, "T1059.001": 1}])
def test_layer_follows_the_format(counts: dict[str, int]) -> None:
    layer = make_layer(counts, WEEK, ["okta"])
    jsonschema.validate(layer, LAYER_SCHEMA)
    assert {each["techniqueID"]: each["score"] for each in layer["techniques"]} == counts
    assert layer["gradient"]["maxValue"] > layer["gradient"]["minValue"]


def test_unknown_tactics_and_codes_are_left_out() -> None:
    layer = make_layer({"TA0006": 5, "T9999": 2, "T1110": 1}, WEEK, ["okta"])
    assert [each["techniqueID"] for each in layer["techniques"]] == ["T1110"]


def test_layer_describes_itself() -> None:
    description = make_layer({}, WEEK, ["okta", "sentinelone"])["description"]
    assert description == (
        "Detections delivered to Recorded Future, 2026-03-03 12:00 to 2026-03-10 12:00 UTC, by okta, sentinelone."
    )


def test_schema_refuses_what_the_format_does_not_know() -> None:
    layer = make_layer({"T1110": 1}, WEEK, [])
    layer["techniques"][0]["tecniqueID"] = "T1110"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(layer, LAYER_SCHEMA)
