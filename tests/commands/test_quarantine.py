"""The commands quarantine list, show, export and close. Redaction hides persons and keeps what explains an issue."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest

from ci_operators.commands.quarantine import read_record, redact_record
from ci_operators.sources.registry import OPTIONS, load_source
from tests.commands.conftest import Desk

NO_ADDRESS = {"displayName": "no address", "alternateId": "jane.doe@acme.example"}


@pytest.fixture
def filled(desk: Desk) -> Desk:
    """Three events that map refuses, one that is delivered."""
    desk.add_okta_events(1, 2, 3, actor=NO_ADDRESS)
    desk.add_okta_events(4)
    desk.deliver()
    return desk


def ids(desk: Desk, *options: str) -> list[int]:
    printed = desk.run("quarantine", "list", "--json", *options)
    assert printed.status == 0
    return [entry["id"] for entry in printed.json["entries"]]


def test_list_shows_the_newest_first_a_page_at_a_time(filled: Desk) -> None:
    assert ids(filled) == [3, 2, 1]
    first = ids(filled, "--limit", "2")
    assert len(first) == 2
    assert set(ids(filled, "--before", str(min(first)))) | set(first) == set(ids(filled))
    printed = filled.run("quarantine", "list", "--limit", "2")
    assert "2 of 3 shown. For the next page: --before" in printed.out
    assert "event-0001" in filled.run("quarantine", "list").out


def test_list_selects(filled: Desk) -> None:
    assert len(ids(filled, "--connector", "okta", "--issue", "indicator_not_an_address", "--since", "1 hour")) == 3
    assert ids(filled, "--connector", "s1") == []
    assert ids(filled, "--issue", "other") == []
    assert ids(filled, "--since", "2099-01-01T00:00:00Z") == []
    filled.execute("UPDATE quarantine SET replayed_at = now() WHERE id = 1")
    assert len(ids(filled)) == 2
    assert len(ids(filled, "--all")) == 3


@pytest.mark.parametrize("since", ["yesterday", "2026-03-10T12:00:00", "0x"])
def test_an_invalid_time_is_wrong_use(desk: Desk, since: str) -> None:
    printed = desk.run("quarantine", "list", "--since", since)
    assert (printed.status, printed.out) == (2, "")
    assert printed.err.startswith("--since")


def test_show_prints_the_record_and_redact_hides_the_person(filled: Desk) -> None:
    number = ids(filled)[0]
    shown: dict[str, Any] = filled.run("quarantine", "show", str(number), "--json").json
    assert shown["record"]["actor"] == NO_ADDRESS
    redacted = filled.run("quarantine", "show", str(number), "--json", "--redact")
    assert "jane.doe" not in redacted.out
    assert redacted.json["record"]["actor"] == {"displayName": "***", "alternateId": "***"}
    assert redacted.json["record"]["uuid"] == shown["event_id"]
    people = filled.run("quarantine", "show", str(number))
    assert '"alternateId": "jane.doe@acme.example"' in people.out
    assert "neither an IP address nor a public domain" in people.out
    assert "jane.doe" not in filled.run("quarantine", "show", str(number), "--redact").out


def test_show_reports_an_unknown_id(desk: Desk) -> None:
    printed = desk.run("quarantine", "show", "99")
    assert (printed.status, printed.out) == (1, "The quarantine has no entry 99.\n")
    assert desk.run("quarantine", "show", "x").status == 2


def test_export_writes_a_file_that_only_the_owner_can_read(filled: Desk) -> None:
    path = filled.folder / "out.jsonl"
    printed = filled.run("quarantine", "export", "--connector", "okta", str(path), "--json")
    assert printed.json == {"file": str(path), "exported": 3}
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line["event_id"] for line in lines} == {"event-0001", "event-0002", "event-0003"}
    assert lines[0]["record"]["actor"] == NO_ADDRESS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not list(filled.folder.glob(".*draft"))


def test_export_of_a_record_that_is_not_json(filled: Desk) -> None:
    filled.execute("UPDATE quarantine SET record = '\\xff'::bytea WHERE id = 1")
    path = filled.folder / "out.jsonl"
    assert filled.run("quarantine", "export", str(path)).status == 0
    assert json.loads(path.read_text().splitlines()[0])["record_base64"] == "/w=="
    assert filled.run("quarantine", "show", "1", "--json").json["record"] == "\\xff"


def test_export_to_an_unwritable_path_is_a_sentence(filled: Desk) -> None:
    printed = filled.run("quarantine", "export", str(filled.folder / "none" / "out.jsonl"))
    assert printed.status == 2
    assert "cannot be written: No such file or directory." in printed.err


class TestClose:
    def test_a_closed_entry_is_kept_as_long_as_the_history(self, filled: Desk) -> None:
        assert filled.run("quarantine", "close", "2", "--json").json == {"closed": 1, "held": 0}
        assert ids(filled) == [3, 1]
        shown = filled.run("quarantine", "list", "--all", "--json").json["entries"][1]
        assert (shown["id"], shown["replay_note"]) == (2, "closed by hand: not to be sent")
        printed = filled.run("quarantine", "close", "--connector", "okta", "--issue", "indicator_not_an_address")
        assert (printed.status, printed.out) == (0, "2 records closed. They will not be sent.\n")
        assert ids(filled) == []

    def test_held_detections_are_left_to_settle(self, desk: Desk) -> None:
        desk.add_okta_events(1)
        desk.lose_answer()
        desk.deliver()
        printed = desk.run("quarantine", "close", "--connector", "okta")
        assert printed.status == 1
        assert "1 held detections stay open. Use `settle` to decide about them." in printed.out
        assert len(ids(desk)) == 1

    @pytest.mark.parametrize("arguments", [(), ("--since", "1 day"), ("--all",)])
    def test_close_needs_a_selection(self, filled: Desk, arguments: tuple[str, ...]) -> None:
        printed = filled.run("quarantine", "close", *arguments)
        assert printed.status == 2
        assert len(ids(filled)) == 3

    def test_an_id_in_several_ledgers_needs_its_connector(self, filled: Desk) -> None:
        filled.edit_file("name: s1,", "name: s1, ledger_conn_id: elsewhere,")
        printed = filled.run("quarantine", "close", "2")
        assert (printed.status, printed.err) == (2, "Several ledgers can have these entries. Add --connector.\n")
        assert filled.run("quarantine", "close", "2", "--connector", "okta").status == 0
        assert ids(filled, "--connector", "okta") == [3, 1]


def test_persons_and_machines_are_hidden_and_the_structure_is_kept() -> None:
    event = {
        "uuid": "1",
        "eventType": "security.threat.detected",
        "displayMessage": "Request",
        "actor": {"id": "00u1", "type": "User", "displayName": None, "alternateId": "jane@acme.example"},
        "client": {"ipAddress": "192.0.2.1", "geo": [{"city": "Berlin", "lat": 52.5}]},
        "outcome": {"result": "DENY", "reason": "Password Spray"},
        "threatInfo": {"threatId": "9", "filePath": "/home/jane/x", "sha1": "ab", "processUser": "jane", "is": True},
        "mitre_codes": ["T1110"],
        "unheard_of": 7,
    }
    assert redact_record(json.dumps(event).encode()) == {
        "uuid": "1",
        "eventType": "security.threat.detected",
        "displayMessage": "Request",
        "actor": {"id": "***", "type": "User", "displayName": None, "alternateId": "***"},
        "client": {"ipAddress": "***", "geo": [{"city": "***", "lat": "***"}]},
        "outcome": {"result": "DENY", "reason": "Password Spray"},
        "threatInfo": {"threatId": "9", "filePath": "***", "sha1": "ab", "processUser": "***", "is": True},
        "mitre_codes": ["T1110"],
        "unheard_of": "***",
    }


@pytest.mark.parametrize("source", OPTIONS)
def test_members_that_a_source_declares_personal_are_hidden(source: str) -> None:
    for path in load_source(source).personal:
        value: object = {"id": "secret", "list": [{"type": "secret", "none": None, "is": True}]}
        hidden: object = {"id": "***", "list": [{"type": "***", "none": None, "is": True}]}
        for name in reversed(path.split(".")):
            value, hidden = {name: value}, {name: hidden}
        assert redact_record(json.dumps({"nested": [value]}).encode()) == {"nested": [hidden]}
        assert redact_record(json.dumps(value).encode()) == hidden


def test_a_record_that_is_not_json_is_hidden_as_a_whole() -> None:
    assert redact_record(b"jane\xff") == "*** (5 bytes that are not JSON)"
    assert read_record(b"jane\xff") == "jane\\xff"
    assert redact_record(b'"jane"') == "***"
