"""What the ledgers know about an id or an indicator, limited to the connectors of the question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ci_operators.answers.event.search import (
    Known,
    Matches,
    find_matches,
    is_no_id,
    join_matches,
    search_ledgers,
    sum_up,
    tell_match,
    tell_matches,
)
from ci_operators.answers.ledgers import open_ledger
from ci_operators.connectors_file import load_connectors
from ci_operators.core.errors import ConfigurationError
from ci_operators.ledger.indicators import FoundDetection
from tests.commands.conftest import Desk

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)


def match(number: int) -> FoundDetection:
    at = AT.replace(minute=number)
    return FoundDetection("okta", f"event-{number}", "ip", "198.51.100.2", at, "accepted", 7, b"key")


@pytest.mark.parametrize("query", ["198.51.100.2", "::ffff:198.51.100.2"])
def test_an_indicator_is_found_as_the_mapping_writes_it(desk: Desk, query: str) -> None:
    desk.add_okta_events(1, 2)
    desk.deliver()
    found = find_matches(desk.connection, ["okta"], query, 10)
    assert [(each.event_id, each.indicator, each.state) for each in found.detections] == [
        ("event-0001", "198.51.100.2", "accepted")
    ]
    assert len(tell_match(found.detections[0])["key"]) == 32
    assert not found.more


def test_only_the_connectors_that_are_named_count(desk: Desk) -> None:
    desk.add_okta_events(1, 251)
    desk.deliver()
    assert len(find_matches(desk.connection, ["okta"], "198.51.100.2", 10).detections) == 2
    assert find_matches(desk.connection, ["okta"], "198.51.100.2", 1).more
    assert find_matches(desk.connection, ["s1"], "198.51.100.2", 10) == Matches()
    assert find_matches(desk.connection, [], "198.51.100.2", 10) == Matches()
    for query in ("198.51.100.%", "198.51.100._", "*", "' OR 1=1 --", "198.51.100.0/24"):
        assert find_matches(desk.connection, ["okta"], query, 10) == Matches()


def test_hashes_and_domains_are_read_in_any_case(desk: Desk) -> None:
    desk.add_okta_events(1, actor={"displayName": "proxy.example.org", "type": "IP address"})
    desk.deliver()
    assert find_matches(desk.connection, ["okta"], "PROXY.example.ORG.", 10).detections


def test_addresses_and_hashes_are_not_ids() -> None:
    assert is_no_id("198.51.100.2")
    assert is_no_id("2001:db8::1")
    assert is_no_id("A" * 64)
    assert not is_no_id("7a1f0c4e-0001-11f1-8c5b-000000000001")
    assert not is_no_id("1234567890123456789")
    assert not is_no_id("proxy.example.org")


def test_lists_are_joined_newest_first() -> None:
    joined = join_matches([Matches([match(1), match(3)]), Matches([match(2)])], 2)
    assert ([each.event_id for each in joined.detections], joined.more) == (["event-3", "event-2"], True)
    assert join_matches([Matches([match(1)], more=True)], 5).more


def test_detections_are_summed_up_in_one_sentence() -> None:
    several = [match(1), replace(match(2), state="rejected"), replace(match(3), connector="s1")]
    assert sum_up(Matches(several), "x") == "3 detections of x by okta and s1: 2 accepted, 1 rejected."
    assert sum_up(Matches(several[:1]), "x") == "1 detection of x by okta: 1 accepted."
    assert sum_up(Matches(several, more=True), "x") == (
        "More than 3 detections of x; the newest of them are by okta and s1: 2 accepted, 1 rejected."
    )


def test_ten_of_many_detections_are_listed() -> None:
    sentences = list(tell_matches(Matches([match(number) for number in range(13)], more=True), "198.51.100.2"))
    assert len(sentences) == 11
    assert sentences[0] == (
        "okta: event event-0 of 2026-03-10T12:00:00.000Z: detection ip 198.51.100.2 is accepted: "
        "stored by Recorded Future."
    )
    assert sentences[-1] == "More than 3 other detections have the indicator 198.51.100.2 too."


def look(query: str, names: Sequence[str] = ("okta", "s1", "dry"), *, gone_too: bool = False) -> Known:
    chosen = [each for each in load_connectors().connectors if each.name in names]
    return search_ledgers(query, chosen, open_ledger, 50, gone_too=gone_too)


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


def test_a_failed_ledger_is_reported_unless_it_is_the_only_one(desk: Desk) -> None:
    desk.add_okta_events(1, actor=None)
    desk.deliver()
    desk.edit_file("name: s1,", "name: s1, ledger_conn_id: nowhere,")
    known = look("event-0001")
    assert known.trail.dropped
    assert len(known.problems) == 1
    assert "nowhere does not exist" in known.problems[0]
    with pytest.raises(ConfigurationError, match="nowhere"):
        look("event-0001", ["s1"])


def test_debug_connectors_need_no_ledger(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_COLLECTIVE_INSIGHTS_LEDGER")
    known = look("event-0001", ["dry"])
    assert (bool(known.trail), known.problems) == (False, [])
