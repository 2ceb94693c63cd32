"""The ledgers are asked for the connectors of the question alone, and one that fails is said."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ci_operators.answers.event.ledger_search import Known, LedgerSearch
from ci_operators.answers.ledgers import open_ledger
from ci_operators.connectors_file import load_connectors
from ci_operators.core.errors import ConfigurationError
from tests.commands.conftest import Desk


def look(query: str, names: Sequence[str] = ("okta", "s1", "dry"), *, gone_too: bool = False) -> Known:
    chosen = [each for each in load_connectors().connectors if each.name in names]
    return LedgerSearch(query, open_ledger, gone_too, 50).look(chosen)


def test_other_connectors_are_never_named(desk: Desk) -> None:
    desk.add_okta_events(1, actor=None)
    desk.add_okta_events(2)
    desk.deliver()
    assert look("event-0001").trail.dropped
    assert look("198.51.100.3").matches.detections
    for query in ("event-0001", "event-0002", "198.51.100.3"):
        known = look(query, ["s1"])
        assert not known.trail
        assert not known.matches.detections
        assert list(known.coverage) == ["s1"]
    assert look("event-0001", ["s1"], gone_too=True).trail


def test_coverage_is_that_of_the_scheduled_runs(desk: Desk) -> None:
    desk.add_okta_events(1)
    desk.deliver(since=30, until=0)
    coverage = look("nothing").coverage
    assert (coverage["okta"].since, coverage["okta"].until) == (desk.ago(30), desk.ago(0))
    assert coverage["s1"].since is None


def test_a_ledger_that_fails_is_said_unless_it_is_the_only_one(desk: Desk) -> None:
    desk.add_okta_events(1, actor=None)
    desk.deliver()
    path = desk.folder / "connectors.yaml"
    path.write_text(path.read_text().replace("name: s1,", "name: s1, ledger_conn_id: nowhere,"))
    known = look("event-0001")
    assert known.trail.dropped
    assert len(known.problems) == 1
    assert "nowhere does not exist" in known.problems[0]
    with pytest.raises(ConfigurationError, match="nowhere"):
        look("event-0001", ["s1"])


def test_debug_connectors_need_none(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_COLLECTIVE_INSIGHTS_LEDGER")
    known = look("event-0001", ["dry"])
    assert (bool(known.trail), known.problems) == (False, [])
