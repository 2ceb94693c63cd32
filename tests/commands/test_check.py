"""`python -m ci_operators check`: a line for each connector and API, and an exit status."""

from __future__ import annotations

from argparse import Namespace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ci_operators.attack.edition import Content, write_content
from ci_operators.commands import check
from ci_operators.commands.check import LedgerProbe, Probe, open_and_close_ledger
from ci_operators.commands.terminal import Terminal
from ci_operators.connectors_file import VARIABLE
from ci_operators.core.errors import ConfigurationError, CredentialsError, UnavailableError
from ci_operators.transport.api import Api
from tests.commands.conftest import Desk

TWO = """
connectors:
  - {name: okta-emea, source: okta, source_conn_id: okta_emea}
  - {name: s1, source: sentinelone}
"""
LIVE = """
connectors:
  - {name: dry, source: okta}
  - {name: live, source: okta, debug: false, ledger_conn_id: ledger_emea}
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


def ledger_is_well(conn_id: str) -> str:
    del conn_id
    return "it answers."


def run(probe: Probe, *names: str, probe_ledger: LedgerProbe = ledger_is_well) -> tuple[int, str]:
    shown = StringIO()
    terminal = Terminal(as_json=False, console=Console(file=shown, width=80))
    status = check.run(Namespace(connectors=names), terminal, probe, probe_ledger)
    return status, shown.getvalue()


def test_all_is_well(connectors: Path) -> None:
    status, shown = run(all_is_well)
    assert status == 0
    assert shown.splitlines() == [
        "works ATT&CK: version 18.1, shipped with this package.",
        "works okta-emea: Okta (okta_emea) works",
        "works okta-emea: Recorded Future (recorded_future_default) works",
        "works s1: SentinelOne (sentinelone_default) works",
        "works s1: Recorded Future (recorded_future_default) works",
    ]


def test_the_report_shows_the_exact_fixes(connectors: Path) -> None:
    status, shown = run(okta_is_not)
    assert status == 1
    assert "fix   okta-emea: Okta answered 401: create another [bold]token[/x].\n" in shown
    assert shown.count("works") == 7
    status, shown = run(okta_is_not, "s1")
    assert (status, "okta" in shown) == (0, False)


def test_an_unknown_name_checks_nothing(connectors: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"The connectors file has no connector okta. It has: okta-emea, s1\."):
        run(all_is_well, "s1", "okta")


def test_a_wrong_entry_is_a_separate_finding(connectors: Path) -> None:
    connectors.write_text(f"{TWO}  - {{name: '[/x]', source: okta}}\n", encoding="utf-8")
    status, shown = run(all_is_well)
    assert status == 1
    assert "fix   connectors file: " in shown
    assert "'[/x]' is not allowed" in shown
    assert run(all_is_well, "s1")[0] == 0


def test_a_ledger_is_a_finding_of_live_connectors_only(connectors: Path) -> None:
    connectors.write_text(LIVE, encoding="utf-8")
    status, shown = run(all_is_well)
    assert status == 0
    assert shown.splitlines() == [
        "works ATT&CK: version 18.1, shipped with this package.",
        "works dry: Okta (okta_default) works",
        "works dry: Recorded Future (recorded_future_default) works",
        "works live: Okta (okta_default) works",
        "works live: Recorded Future (recorded_future_default) works",
        "works live: Ledger (ledger_emea): it answers.",
    ]
    assert "Ledger" not in run(all_is_well, "dry")[1]


def test_a_ledger_that_does_not_work_is_reported_with_the_rest(connectors: Path) -> None:
    def is_away(conn_id: str) -> str:
        raise UnavailableError(f"The ledger's database: nobody there, [bold]{conn_id}[/x].")

    connectors.write_text(LIVE, encoding="utf-8")
    status, shown = run(all_is_well, probe_ledger=is_away)
    assert status == 1
    last = "fix   live: Ledger (ledger_emea): The ledger's database: nobody there, [bold]ledger_emea[/x]."
    assert shown.splitlines()[-1] == last
    assert shown.count("works live") == 2


@pytest.mark.imports_airflow
def test_a_missing_connection_has_a_fix(connectors: Path) -> None:
    connectors.write_text(LIVE, encoding="utf-8")
    status, shown = run(all_is_well, probe_ledger=open_and_close_ledger)
    assert status == 1
    assert "fix   live: Ledger (ledger_emea): Connection ledger_emea does not exist or " in shown


def test_the_command_reports_the_ledgers_too(desk: Desk) -> None:
    printed = desk.run("check", "--json")
    assert (printed.status, desk.simulator.detections) == (0, [])
    assert [entry["connector"] for entry in printed.json if entry["sentence"].startswith("Ledger")] == ["okta", "s1"]
    assert desk.run("check", "dry").out.count("works dry: ") == 2
    assert "works okta: Ledger (collective_insights_ledger): it answers" in desk.run("check", "okta").out


@pytest.mark.parametrize(
    ("version", "status", "words"),
    [
        ("19.1", 0, "works ATT&CK: version 19.1, from {path}."),
        ("17", 1, "fix ATT&CK: version 17, from {path}, is older than the shipped version 18.1. Remove attack_table"),
    ],
)
def test_the_edition_of_attack_is_named(connectors: Path, version: str, status: int, words: str) -> None:
    path = connectors.parent / "attack.json"
    write_content(Content(version, {"T9999": ("New", ["TA0001"])}, {"initial-access": "TA0001"}, {}), path)
    connectors.write_text(f"{TWO}attack_table: attack.json\n", encoding="utf-8")
    found, shown = run(all_is_well)
    assert found == status
    assert words.format(path=path) in " ".join(shown.split())
