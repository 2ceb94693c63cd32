"""The requests of the UI to Airflow."""

from __future__ import annotations

import pytest

from ci_operators.connectors_file import load_connectors
from ci_operators.sources import SOURCES
from tests.end_to_end.conftest import Installation
from tests.end_to_end.tenant import wait_for

pytestmark = pytest.mark.airflow

FORM = {"since": "Since", "until": "Until", "debug": "Debug"}


def test_every_good_entry_has_a_dag_with_its_tags(installation: Installation) -> None:
    dags = installation.address.api().list_all("/dags", "dags")
    names = [connector.name for connector in load_connectors(installation.settings.connectors).connectors]
    assert sorted(dag["dag_id"] for dag in dags) == sorted(
        f"collective_insights_{name}" for name in [*names, "maintenance"]
    )
    assert all("collective-insights" in {tag["name"] for tag in dag["tags"]} for dag in dags)
    assert not any(dag["has_import_errors"] for dag in dags)


def test_wrong_entries_are_one_import_error_and_take_no_dag_down(installation: Installation) -> None:
    api = installation.address.api()
    (error,) = wait_for(lambda: api.list_all("/importErrors", "import_errors"), "the import error")
    assert error["filename"] == "connectors_file.py"
    assert "connectors[16] (misspelled): updat_frequency: there is no such option; allowed: " in error["stack_trace"]
    wrong = f"connectors[17] (unknown-source): source: 'splunk' is not allowed; allowed: {', '.join(SOURCES)}."
    assert wrong in error["stack_trace"]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("first-okta", FORM),
        ("first-sentinelone", FORM | {"only_analyst_verified": "Only Fetch Analyst-Verified Events"}),
    ],
)
def test_page_of_a_dag_can_be_shown(installation: Installation, name: str, form: dict[str, str]) -> None:
    details = installation.address.api().get(f"/dags/collective_insights_{name}/details")
    assert details["timetable_summary"] == "every 1 day"
    assert details["default_args"]["retries"] == 3
    assert "## Options" in details["doc_md"]
    assert {param: shown["schema"]["title"] for param, shown in details["params"].items()} == form
    assert details["params"]["since"]["schema"]["format"] == "date-time"


def test_no_plugin_failed_to_load(installation: Installation) -> None:
    api = installation.address.api()
    assert api.get("/plugins/importErrors")["import_errors"] == []
    names = {plugin["name"] for plugin in api.list_all("/plugins", "plugins")}
    assert "collective_insights" in names
