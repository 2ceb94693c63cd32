"""One event by its uuid: whatever its type, within the retention; an id that is none is not asked for."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ci_operators.sources.okta.look_up import find_event, read_time
from ci_operators.sources.okta.options import OktaConnector
from simulator import Simulator
from tests.noting_session import NotingSession
from tests.sources.okta.specimens import SPECIMENS
from tests.vendor_cases import OKTA
from tests.virtual_time import VirtualTime

CONNECTOR = OktaConnector(name="okta")


def test_an_event_is_found_by_its_uuid(vendors: Simulator, session: NotingSession, virtual_time: VirtualTime) -> None:
    event = SPECIMENS.make_event(virtual_time() - timedelta(days=30), 1) | {"eventType": "user.session.start"}
    vendors.add_okta_event(event)
    vendors.add_okta_event(SPECIMENS.make_event(virtual_time() - timedelta(days=30), 2))
    client = OKTA.connect(vendors.url, session, virtual_time)
    found = find_event(client, CONNECTOR, event["uuid"], virtual_time())
    assert found is not None
    assert json.loads(found) == event
    assert read_time(CONNECTOR, found) == virtual_time() - timedelta(days=30)
    assert find_event(client, CONNECTOR, "unheard-of", virtual_time()) is None


@pytest.mark.parametrize("event_id", ['x" or uuid pr', "", "a b", "x" * 101, "\\"])
def test_what_cannot_be_a_uuid_is_not_asked_for(
    vendors: Simulator, session: NotingSession, virtual_time: VirtualTime, event_id: str
) -> None:
    assert find_event(OKTA.connect(vendors.url, session, virtual_time), CONNECTOR, event_id, virtual_time()) is None
    assert not vendors.requests


@pytest.mark.parametrize("event", [b"{}", b"no json", b'{"published": "soon"}'])
def test_an_event_may_name_no_time(event: bytes) -> None:
    assert read_time(CONNECTOR, event) is None
