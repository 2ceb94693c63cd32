"""One threat by its id, within the connector's accounts and sites; an id that is none is not asked for."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ci_operators.sources.sentinelone.look_up import find_event, read_time
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from simulator import Simulator
from tests.noting_session import NotingSession
from tests.sources.sentinelone.specimens import SPECIMENS
from tests.vendor_cases import SENTINELONE
from tests.virtual_time import VirtualTime

CONNECTOR = SentinelOneConnector(name="s1")


def test_a_threat_is_found_by_its_id(vendors: Simulator, session: NotingSession, virtual_time: VirtualTime) -> None:
    threat = SPECIMENS.make_event(virtual_time() - timedelta(days=200), 1)
    vendors.add_threat(threat)
    vendors.add_threat(SPECIMENS.make_event(virtual_time() - timedelta(days=200), 2))
    client, event_id = SENTINELONE.connect(vendors.url, session, virtual_time), str(SPECIMENS.read_id(threat))
    found = find_event(client, CONNECTOR, event_id, virtual_time())
    assert found is not None
    assert SPECIMENS.read_id(json.loads(found)) == event_id
    assert read_time(CONNECTOR, found) == virtual_time() - timedelta(days=200)
    assert find_event(client, CONNECTOR, "99", virtual_time()) is None
    elsewhere = CONNECTOR.model_copy(update={"account_ids": ("1",), "site_ids": ("2",)})
    assert find_event(client, elsewhere, event_id, virtual_time()) is None
    assert dict(vendors.requests[-1].query)["accountIds"] == "1"


@pytest.mark.parametrize("event_id", ["1,2", "", "abc", "1" * 21])
def test_what_cannot_be_an_id_is_not_asked_for(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime, event_id: str
) -> None:
    assert (
        find_event(SENTINELONE.connect(vendors.url, session, virtual_time), CONNECTOR, event_id, virtual_time()) is None
    )
    assert not vendors.requests


def test_verified_events_go_by_their_last_change() -> None:
    event = b'{"threatInfo": {"createdAt": "2026-03-10T10:00:00Z", "updatedAt": "2026-03-11T10:00:00Z"}}'
    verified = CONNECTOR.model_copy(update={"only_analyst_verified": True})
    created, changed = read_time(CONNECTOR, event), read_time(verified, event)
    assert created is not None
    assert changed is not None
    assert changed - created == timedelta(days=1)
    assert read_time(CONNECTOR, b"{}") is None
    assert read_time(CONNECTOR, b'{"threatInfo": {"createdAt": "soon"}}') is None
