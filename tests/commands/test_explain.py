"""`explain`: the whole path of an event that is dropped, quarantined, delivered, refused, or not in the ledger."""

from __future__ import annotations

from tests.commands.conftest import Desk


def explain(desk: Desk, event_id: str, status: int = 0) -> list[str]:
    printed = desk.run("explain", event_id, "--json")
    assert printed.status == status
    sentences: list[str] = printed.json["sentences"]
    assert " ".join(sentences)[:60] in desk.run("explain", event_id).out
    return sentences


def test_a_dropped_event_names_its_rule(desk: Desk) -> None:
    desk.add_okta_events(1, actor=None)
    desk.deliver()
    assert explain(desk, "event-0001") == [
        "okta: dropped by filter (missing_actor) in run scheduled__1: There is no actor information under the event."
    ]


def test_a_delivered_event_shows_batch_run_and_codes(desk: Desk) -> None:
    desk.add_okta_events(1)
    desk.deliver()
    printed = desk.run("explain", "event-0001", "--json").json
    found = printed["ledger"]["detections"][0]
    assert (found["state"], found["indicator"], found["attempts"], found["run_id"]) == (
        "accepted",
        "198.51.100.2",
        1,
        "scheduled__1",
    )
    assert found["codes"] == ["T1110.003"]
    assert printed["ledger"]["runs"][0]["kind"] == "scheduled"
    assert "stored by Recorded Future" in explain(desk, "event-0001")[0]


def test_an_unknown_outcome_shows_why(desk: Desk) -> None:
    desk.add_okta_events(1)
    desk.lose_answer()
    (sentence,) = explain(desk, "event-0001")
    assert "is unknown: sent, but it is not known whether Recorded Future stored it" in sentence
    assert "was lost" in sentence


def test_an_event_the_ledger_does_not_know_is_asked_of_the_source(desk: Desk) -> None:
    desk.add_okta_events(1, minutes_ago=20)
    desk.deliver(since=60, until=10)
    desk.add_okta_events(2, minutes_ago=5)
    desk.add_okta_events(3, minutes_ago=5, actor=None)
    desk.add_okta_events(4, minutes_ago=600)
    desk.add_okta_events(5, minutes_ago=30)
    desk.add_okta_events(6, minutes_ago=5, eventType="user.session.start")
    desk.add_okta_events(7, minutes_ago=5, actor={"displayName": "no address"})
    assert explain(desk, "event-0002")[0].endswith("it passes the criteria and will arrive with the next run.")
    assert "(missing_actor): There is no actor" in explain(desk, "event-0003")[0]
    assert "is older than the initial import" in explain(desk, "event-0004")[0]
    assert "Run a backfill of" in explain(desk, "event-0004")[0]
    assert "is in a window that was delivered without it" in explain(desk, "event-0005")[0]
    assert "(wrong_event_type)" in explain(desk, "event-0006")[0]
    assert "it would be quarantined (indicator_not_an_address)" in explain(desk, "event-0007")[0]
    dry = explain(desk, "event-0002")[1]
    assert dry.startswith("dry: Okta has it, of ")
    assert "debug mode" in dry
    assert desk.run("explain", "event-0002", "--connector", "okta", "--json").json["sources"][0]["found"]


def test_an_unknown_event_is_reported(desk: Desk) -> None:
    for event_id in ("nothing", 'a" or eventType eq "x', "1234567890", "\u202eevil"):
        assert explain(desk, event_id, status=1) == ["Neither the ledger nor Okta nor SentinelOne knows the event."]


def test_a_source_that_cannot_be_asked_is_one_sentence(desk: Desk) -> None:
    desk.simulator.add_fault("okta", "status", status=401, count=9)
    (sentence, _) = explain(desk, "event-0001", status=1)
    assert sentence.startswith("okta: Okta could not be asked: Okta answered 401")


def test_first_runs_are_still_pending(desk: Desk) -> None:
    desk.add_okta_events(1)
    assert "No run has delivered yet" in explain(desk, "event-0001")[0]


def test_connectors_that_left_the_file_are_remembered(desk: Desk) -> None:
    desk.add_okta_events(1, actor=None)
    desk.deliver()
    desk.edit_file("name: okta,", "name: okta-new,")
    assert explain(desk, "event-0001")[0].startswith("okta: dropped by filter")


def test_an_indicator_leads_to_its_events(desk: Desk) -> None:
    desk.add_okta_events(1, 251)
    desk.add_okta_events(2, outcome=None)
    desk.deliver()
    printed = desk.run("explain", "198.51.100.2", "--json")
    assert (printed.status, printed.json["kind"], printed.json["more"]) == (0, "indicator", False)
    assert sorted(match["event_id"] for match in printed.json["matches"]) == ["event-0001", "event-0251"]
    text = desk.run("explain", "198.51.100.2").out
    assert "Detections of the indicator" in text
    assert "event-0251" in text
    single = desk.run("explain", "198.51.100.3", "--json").json
    assert single["ledger"]["detections"][0]["indicator"] == "198.51.100.3"
    assert "FAQ 3a of Recorded Future's page on Okta" in single["codes_why"][0]
    assert "FAQ 3a" in desk.run("explain", "198.51.100.3").out
    assert desk.run("explain", "203.0.113.9").status == 1


def test_a_meaningless_question_is_wrong_use(desk: Desk) -> None:
    for question in ("", "x" * 500):
        printed = desk.run("explain", question)
        assert (printed.status, printed.out) == (2, "")
        assert printed.err.count("\n") == 1
