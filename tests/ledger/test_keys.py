"""Keys: equal for the same detection, distinct for others, and adjacent for those of one event."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from ci_operators.core.text import storable
from ci_operators.ledger.keys import KEY_BYTES, detection_key, event_key, key_array

NAMES = st.from_regex(r"[a-z0-9]+(_[a-z0-9]+)*", fullmatch=True)
PARTS = st.tuples(NAMES, st.text(), st.sampled_from(["ip", "domain", "hash", "url"]), st.text())


@given(PARTS)
def test_a_key_begins_with_that_of_its_event(parts: tuple[str, str, str, str]) -> None:
    key = detection_key(*parts)
    assert len(key) == KEY_BYTES
    assert key.startswith(event_key(*parts[:2]))
    assert key == detection_key(*parts)


@given(PARTS, PARTS)
def test_other_detections_have_other_keys(one: tuple[str, str, str, str], other: tuple[str, str, str, str]) -> None:
    assume([storable(part) for part in one] != [storable(part) for part in other])
    assert detection_key(*one) != detection_key(*other)


def test_no_two_of_many_keys_are_the_same() -> None:
    keys = {detection_key("acme", f"event-{number}", "ip", "198.51.100.7") for number in range(100_000)}
    assert len(keys) == 100_000


def test_parts_do_not_run_into_each_other() -> None:
    assert detection_key("acme", "1", "ip", "2") != detection_key("acme1", "", "ip", "2")
    assert detection_key("acme", "1", "ip", "2") != detection_key("acme", "1ip", "", "2")
    assert event_key("acme", "1") != event_key("globex", "1")


def test_keys_stay_what_they_are() -> None:
    """With another hash, every delivered detection would be a new one."""
    assert detection_key("acme", "event-1", "ip", "198.51.100.7").hex() == "bf170e4fb8d25e6ab787e8525a9827be"


def test_a_lone_surrogate_does_not_fail() -> None:
    assert len(detection_key("acme", "\ud800", "ip", "\udfff")) == KEY_BYTES


def test_an_array_of_keys_is_what_postgresql_takes_for_one(ledger_connection: Connection) -> None:
    keys = [bytes(range(16)), bytes(16), bytes([255] * 16)]
    query = text("SELECT unnest(CAST(:keys AS bytea[]))")
    for some in (keys, []):
        assert [bytes(key) for key in ledger_connection.scalars(query, {"keys": key_array(some)})] == some
