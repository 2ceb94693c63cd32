"""The simulated Collective Insights API is as strict as the contract."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.simulator.caller import Start

from simulator import Limits, ManualClock
from simulator.settings import (
    FOREIGN_ORGANIZATION,
    ORGANIZATION,
    RECORDED_FUTURE_TOKEN,
    RECORDED_FUTURE_TOKEN_WITHOUT_MODULE,
    SUB_ORGANIZATION,
)

PATH_OF = {"ip": "203.0.113.9", "domain": "bad.example.com", "hash": "a" * 40, "url": "https://bad.example.com/x",
           "vulnerability": "CVE-2026-12345"}  # fmt: skip


def entry(kind: str = "ip", value: str | None = None, incident: str = "incident-1") -> dict[str, Any]:
    return {
        "timestamp": "2026-03-04T10:00:00.000Z",
        "ioc": {"type": kind, "value": value or PATH_OF[kind], "source_type": "Okta", "field": "actor.displayName"},
        "transient_id": "transient-1",
        "incident": {"id": incident, "type": "security.threat.detected", "name": "Request from suspicious actor"},
        "mitre_codes": ["T1110", "T1110.003", "TA0006"],
        "malwares": ["Example"],
        "detection": {"type": "correlation", "name": "Okta Threat Detection"},
    }


def body(*entries: dict[str, Any], debug: bool = False, **members: Any) -> dict[str, Any]:
    return {"options": {"debug": debug, "summary": True}, "data": list(entries) or [entry()], **members}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Returns a valid entry with one member set (`...`: removed)."""
    result = copy.deepcopy(entry())
    *parents, last = path.split(".")
    holder = result
    for name in parents:
        holder = holder[name]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return result


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("", 401),
        ("short", 401),
        (RECORDED_FUTURE_TOKEN.upper(), 401),
        ("a" * 32, 401),
        (RECORDED_FUTURE_TOKEN_WITHOUT_MODULE, 403),
    ],
)
def test_refuses_tokens(start: Start, token: str, status: int) -> None:
    simulator, caller = start()
    assert caller.submit(body(), token=token).status_code == status
    assert caller.search({}, token=token).status_code == status
    assert simulator.detections == []
    if status == 401:
        assert caller.submit(body(), token=token).json() == {"message": "Invalid token"}


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("timestamp", "2026-03-04T10:00:00", "timestamp"),
        ("timestamp", "2026-03-04", "timestamp"),
        ("timestamp", 1772618400, "timestamp"),
        ("timestamp", "2026-03-04T10:00", "timestamp"),
        ("ioc", ..., "ioc"),
        ("ioc", "203.0.113.9", "ioc"),
        ("ioc.type", "email", "ioc.type"),
        ("ioc.type", "IP", "ioc.type"),
        ("ioc.type", ..., "ioc.type"),
        ("ioc.value", "", "ioc.value"),
        ("ioc.value", " 203.0.113.9", "ioc.value"),
        ("ioc.value", "203.0.113.999", "ioc.value"),
        ("ioc.value", "203.0.113.0/24", "ioc.value"),
        ("ioc.value", "fe80::1%eth0", "ioc.value"),
        ("ioc.value", None, "ioc.value"),
        ("ioc.value", 7, "ioc.value"),
        ("ioc.source_type", None, "ioc.source_type"),
        ("ioc.extra", "x", "ioc.extra"),
        ("incident", "incident-1", "incident"),
        ("incident", {}, "incident.id"),
        ("incident.id", ..., "incident.id"),
        ("incident.id", 5, "incident.id"),
        ("incident.type", ..., "incident.type"),
        ("incident.name", None, "incident.name"),
        ("mitre_codes", "T1110", "mitre_codes"),
        ("mitre_codes", ["t1110"], "mitre_codes[0]"),
        ("mitre_codes", ["T1110", "T1110/003"], "mitre_codes[1]"),
        ("mitre_codes", [""], "mitre_codes[0]"),
        ("mitre_codes", None, "mitre_codes"),
        ("malwares", [""], "malwares[0]"),
        ("malwares", "Example", "malwares"),
        ("detection", ..., "detection"),
        ("detection.type", "threat_hunt", "detection.type"),
        ("detection.type", "Correlation", "detection.type"),
        ("detection", {"type": "detection_rule", "id": "doc:x"}, "detection.sub_type"),
        ("detection", {"type": "detection_rule", "sub_type": "sigma"}, "detection.id"),
        ("detection", {"type": "detection_rule", "sub_type": "other", "id": "doc:x"}, "detection.sub_type"),
        ("detection.name", 5, "detection.name"),
        ("transient_id", 5, "transient_id"),
        ("extra", 1, "extra"),
    ],
)
def test_one_bad_entry_refuses_the_whole_request(start: Start, path: str, value: Any, place: str) -> None:
    simulator, caller = start()
    for debug in (True, False):
        answer = caller.submit(body(entry(), changed(path, value), entry(), debug=debug))
        assert answer.status_code == 400
        assert answer.json()["message"].startswith(f"data[1].{place}:")
    assert simulator.detections == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("domain", "no-dot"),
        ("domain", "https://bad.example.com"),
        ("domain", "203.0.113.9"),
        ("domain", "a..example.com"),
        ("hash", "a" * 39),
        ("hash", "g" * 64),
        ("url", "bad.example.com/x"),
        ("url", "https://"),
        ("url", "https://bad.example.com/a b"),
        ("vulnerability", "CVE-26-1"),
    ],
)
def test_values_are_checked_for_their_type(start: Start, kind: str, value: str) -> None:
    _, caller = start()
    assert caller.submit(body(entry(kind, value))).json()["message"] == f"data[0].ioc.value: not a valid {kind}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "The body is not valid JSON"),
        ([], "body: must be an object"),
        ({}, "data: must be a list"),
        (body(data=[]), "data: must not be empty"),
        (body(data={}), "data: must be a list"),
        (body(data=[None]), "data[0]: must be an object"),
        (body(options=None), "options: must be an object"),
        (body(options={"debug": "true"}), "options.debug: must be a boolean"),
        (body(options={"debug": True, "summary": 1}), "options.summary: must be a boolean"),
        (body(options={"dry_run": True}), "options.dry_run: unknown field"),
        (body(extra=1), "body.extra: unknown field"),
        (body(organization_ids="uhash:x"), "organization_ids: must be a list"),
        (body(organization_ids=[]), "organization_ids: must not be empty"),
        (body(organization_ids=["x"]), "organization_ids[0]: must start with uhash:"),
    ],
)
def test_refuses_bodies(start: Start, content: Any, message: str) -> None:
    _, caller = start()
    answer = caller.submit(content)
    assert (answer.status_code, answer.json()) == (400, {"message": message})


def test_refuses_other_content_types_and_methods(start: Start) -> None:
    simulator, caller = start()
    url, headers = f"{simulator.url}/collective-insights/detections", {"X-RFToken": RECORDED_FUTURE_TOKEN}
    assert requests.post(url, data={"data": "x"}, headers=headers, timeout=9).status_code == 400
    assert requests.get(url, headers=headers, timeout=9).status_code == 405
    assert requests.post(f"{url}/v2", headers=headers, timeout=9).status_code == 404
    assert caller.control("health").json()["detections"] == 0


def test_organizations(start: Start) -> None:
    simulator, caller = start()
    assert caller.submit(body(organization_ids=[ORGANIZATION, FOREIGN_ORGANIZATION])).status_code == 403
    assert caller.submit(body(organization_ids=[SUB_ORGANIZATION])).status_code == 200
    assert caller.submit(body()).status_code == 200
    assert [stored.organizations for stored in simulator.detections] == [
        (SUB_ORGANIZATION,),
        (ORGANIZATION, SUB_ORGANIZATION),
    ]


def test_debug_checks_and_counts_but_stores_nothing(start: Start) -> None:
    simulator, caller = start()
    everything = [entry(kind) for kind in PATH_OF]
    result = caller.submit(body(*everything, entry(), debug=True)).json()["result"]
    counts = {"ip": 2, "domain": 1, "hash": 1, "vulnerability": 1, "url": 1}
    assert result == {"status": "OK", "debug": True, "summary": {"processed": counts}}
    assert caller.submit({"data": [entry()]}).json()["result"]["debug"] is True
    assert simulator.detections == []
    assert [(r.entries, r.debug) for r in simulator.requests] == [(6, True), (1, True)]


def test_stores_duplicates_without_transient_id(start: Start) -> None:
    simulator, caller = start()
    content = body(entry(), entry(), debug=False)
    content["options"]["summary"] = False
    assert caller.submit(content).json() == {"result": {"status": "OK", "debug": False}}
    assert caller.submit(body()).status_code == 200
    assert len(simulator.detections) == 3
    assert len({stored.id for stored in simulator.detections}) == 3
    assert all("transient_id" not in stored.entry for stored in simulator.detections)
    assert simulator.detections[0].indicator == ("ip", "203.0.113.9")


def test_size_and_daily_limits(start: Start, clock: ManualClock) -> None:
    simulator, caller = start(limits=Limits(recorded_future_per_day=3, recorded_future_max_body=2000))
    assert caller.submit(body(*[entry()] * 9)).status_code == 413
    assert caller.submit(body(entry(), entry())).status_code == 200
    refused = caller.submit(body(entry(), entry()))
    assert (refused.status_code, refused.json()["message"]) == (429, "The daily limit of 3 detections is exceeded")
    assert caller.submit(body(entry(), entry(), debug=True)).status_code == 200
    assert caller.submit(body()).status_code == 200
    assert caller.submit(body()).status_code == 429
    clock.advance(hours=12)
    assert caller.submit(body()).status_code == 200
    assert len(simulator.detections) == 4


def test_detections_survive_a_restart_even_after_a_torn_write(start: Start, tmp_path: Path) -> None:
    first, caller = start(state_directory=tmp_path)
    caller.submit(body(entry(), entry(incident="incident-2")))
    stored = tmp_path / "detections.jsonl"
    assert stored.read_bytes().count(b"\n") == 2
    with stored.open("ab") as file:
        file.write(b'{"id":"ci-000')
    second, caller = start(state_directory=tmp_path)
    assert second.detections == first.detections
    caller.submit(body())
    third, caller = start(state_directory=tmp_path)
    assert [stored.id for stored in third.detections] == ["ci-00000001", "ci-00000002", "ci-00000003"]
