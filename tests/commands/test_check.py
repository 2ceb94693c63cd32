"""`python -m ci_operators check`: a line for each connector and API, and an exit status."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ci_operators.commands.check import Finding, find, run_check
from ci_operators.connectors_file import VARIABLE, load_connectors
from ci_operators.core.errors import CollectiveInsightsError, ConfigurationError, CredentialsError
from ci_operators.transport.api import Api
from simulator import Simulator
from tests.noting_session import NotingSession
from tests.vendor_cases import DRY_RUN, OKTA, SENTINELONE, VendorCase
from tests.virtual_time import VirtualTime

TWO = """
connectors:
  - {name: okta-emea, source: okta, source_conn_id: okta_emea}
  - {name: s1, source: sentinelone}
"""


@pytest.fixture
def connectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file of two connectors, in use."""
    path = tmp_path / "connectors.yaml"
    path.write_text(TWO, encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def all_is_well(api: Api, conn_id: str) -> str:
    return f"{api.vendor.title} ({conn_id}) works"


def okta_is_not(api: Api, conn_id: str) -> str:
    if api.vendor.title == "Okta":
        raise CredentialsError("Okta answered 401: create another [bold]token[/x].")
    return all_is_well(api, conn_id)


def run(probe: object, *names: str) -> tuple[int, str]:
    console = Console(file=StringIO(), width=80)
    status = run_check(names, console, probe)  # type: ignore[arg-type]  # a plain function
    assert isinstance(console.file, StringIO)
    return status, console.file.getvalue()


def test_all_is_well(connectors: Path) -> None:
    status, shown = run(all_is_well)
    assert status == 0
    assert shown.splitlines() == [
        "works okta-emea: Okta (okta_emea) works",
        "works okta-emea: Recorded Future (recorded_future_default) works",
        "works s1: SentinelOne (sentinelone_default) works",
        "works s1: Recorded Future (recorded_future_default) works",
    ]


def test_what_is_to_be_mended_is_said_to_the_letter(connectors: Path) -> None:
    status, shown = run(okta_is_not)
    assert status == 1
    assert "mend  okta-emea: Okta answered 401: create another [bold]token[/x].\n" in shown
    assert shown.count("works") == 6


def test_one_connector_is_checked_alone(connectors: Path) -> None:
    status, shown = run(okta_is_not, "s1")
    assert status == 0
    assert "okta" not in shown


def test_an_unknown_name_checks_nothing(connectors: Path) -> None:
    status, shown = run(all_is_well, "s1", "okta")
    assert status == 2
    assert " ".join(shown.split()) == "There is no connector okta; there are: okta-emea, s1."


def test_without_connectors_an_unknown_name_is_told_so(connectors: Path) -> None:
    connectors.write_text("connectors: []", encoding="utf-8")
    assert "there are: none." in run(all_is_well, "s1")[1]


def test_a_wrong_entry_is_a_finding_of_its_own(connectors: Path) -> None:
    connectors.write_text(f"{TWO}  - {{name: '[/x]', source: okta}}\n", encoding="utf-8")
    status, shown = run(all_is_well)
    assert status == 1
    assert "mend  connectors file: " in shown
    assert "'[/x]' is not allowed" in shown
    assert run(all_is_well, "s1")[0] == 0


def test_a_file_that_cannot_be_read_checks_nothing(connectors: Path) -> None:
    connectors.unlink()
    status, shown = run(all_is_well)
    assert status == 2
    assert "cannot be read" in shown


def test_other_errors_are_not_hidden(connectors: Path) -> None:
    def broken(api: Api, conn_id: str) -> str:
        raise KeyError(conn_id)

    with pytest.raises(KeyError):
        run(broken)


def test_the_checks_of_all_vendors_against_the_simulator(
    connectors: Path, vendors: Simulator, session: NotingSession, virtual_time: VirtualTime
) -> None:
    cases: dict[str, VendorCase] = {case.api.vendor.title: case for case in (OKTA, SENTINELONE, DRY_RUN)}

    def probe(api: Api, conn_id: str) -> str:
        case = cases[api.vendor.title]
        token = case.token_without_right if conn_id == "okta_emea" else case.token
        return api.check(case.connect(vendors.url, session, virtual_time, token))

    findings = list(find(load_connectors(connectors), (), probe))
    assert [finding.works for finding in findings] == [False, True, True, True]
    assert "Read Only Admin" in findings[0].sentence
    assert findings[2] == Finding("s1", works=True, sentence="the token may read threats")
    assert [(request.method, request.status) for request in vendors.requests] == [
        ("GET", 403),
        ("POST", 200),
        ("GET", 200),
        ("POST", 200),
    ]
    assert vendors.detections == []


def test_every_sentence_of_the_tree_is_shown(connectors: Path) -> None:
    def refuse(api: Api, conn_id: str) -> str:
        raise ConfigurationError(f"Airflow Connection {conn_id} does not exist.")

    findings = list(find(load_connectors(connectors), (), refuse))
    assert {finding.works for finding in findings} == {False}
    assert issubclass(ConfigurationError, CollectiveInsightsError)
