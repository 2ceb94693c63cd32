"""The simulated threats endpoint is as strict as the reference."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import orjson
import pytest
import requests
from tests.simulator.caller import Start

from simulator import Limits, ManualClock
from simulator.settings import SENTINELONE_TOKEN, SENTINELONE_TOKEN_WITHOUT_ROLE

ASCENDING = {"sortBy": "createdAt", "sortOrder": "asc"}


def threat(number: int, created: str = "2026-03-04T10:00:00.000000Z", **info: Any) -> dict[str, Any]:
    return {
        "id": str(1000 + number),
        "agentDetectionInfo": {"siteId": "11", "accountId": "12", "groupId": str(13 + number % 2)},
        "threatInfo": {
            "createdAt": created,
            "updatedAt": created,
            "analystVerdict": "undefined",
            "incidentStatus": "unresolved",
            "confidenceLevel": "malicious",
            "sha1": f"{number:040x}",
            "detectionEngines": [{"key": "manual", "title": "Manual"}],
            **info,
        },
    }


def ids(page: requests.Response) -> list[str]:
    return [element["id"] for element in page.json()["data"]]


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        ("", 401, 4010010),
        (f"Bearer {SENTINELONE_TOKEN}", 401, 4010010),
        (f"Token {SENTINELONE_TOKEN}", 401, 4010010),
        ("ApiToken wrong", 401, 4010010),
        (f"ApiToken {SENTINELONE_TOKEN_WITHOUT_ROLE}", 403, 4030010),
    ],
)
def test_refuses_credentials(start: Start, authorization: str, status: int, code: int) -> None:
    _, caller = start()
    answer = caller.threats(authorization=authorization)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "ten"},
        {"skipCount": "1"},
        {"sortBy": "identifiedAt"},
        {"sortOrder": "ascending"},
        {"analystVerdicts": "TRUE_POSITIVE"},
        {"analystVerdicts": "true_positive,good"},
        {"analystVerdicts": ""},
        {"analystVerdicts": ["true_positive", "suspicious"]},
        {"createdAt__gte": "2026-03-04T10:00:00"},
        {"createdAt__gte": "2026-03-04"},
        {"createdAt__lt": "1772618400"},
        {"updatedAt__lt": "2026-03-04T10:00:00.1234567Z"},
        {"updatedAt__gte": "2026-03-04T10:00:00 00:00"},
        {"ids": "abc"},
        {"ids": ",".join(map(str, range(5001)))},
        {"siteIds": "site"},
        {"accountIds": ",".join(map(str, range(501)))},
        {"cursor": "AAAA"},
        {"cursor": "not base64"},
        {"cursor": base64.b64encode(b'{"id_value":1}').decode()},
    ],
)
def test_refuses_values(start: Start, params: dict[str, str]) -> None:
    _, caller = start(sentinelone_threats=[threat(1)])
    answer = caller.threats(**params)
    assert (answer.status_code, answer.json()["errors"][0]["title"]) == (400, "Validation Error")
    assert "data" not in answer.json()


@pytest.mark.parametrize(
    "name", ["createdAt__between", "identifiedAt__gte", "analystVerdict", "token", "Limit", "skip"]
)
def test_refuses_unknown_parameters(start: Start, name: str) -> None:
    _, caller = start()
    answer = caller.threats(**{name: "1"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["detail"] == f"dict_values([['{name}']]): Unknown field"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"createdAt__gte": "2026-03-04T10:00:01.000000Z"}, ["1001", "1002", "1003"]),
        ({"createdAt__lt": "2026-03-04T11:00:01+01:00"}, ["1000"]),
        ({"updatedAt__gte": "2026-03-04T11:00:00Z"}, ["1002"]),
        ({"updatedAt__lt": "2026-03-04T11:00:00Z"}, ["1000", "1001", "1003"]),
        ({"analystVerdicts": "true_positive,suspicious"}, ["1001", "1002"]),
        ({"ids": "1003,1000,5"}, ["1000", "1003"]),
        ({"siteIds": "11,99", "accountIds": "12"}, ["1000", "1001", "1002", "1003"]),
        ({"siteIds": "99", "accountIds": "12"}, []),
        ({"accountIds": "99"}, []),
        ({"sortBy": "updatedAt", "limit": "3"}, ["1000", "1001", "1003"]),
    ],
)
def test_filters(start: Start, params: dict[str, str], expected: list[str]) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"analystVerdict": "true_positive"},
        {"analystVerdict": "suspicious", "incidentStatus": "resolved", "updatedAt": "2026-03-04T11:00:00.000000Z"},
        {"confidenceLevel": "suspicious"},
    ]
    threats = [threat(n, f"2026-03-04T10:00:0{n}.000000Z", **change) for n, change in enumerate(changes)]
    _, caller = start(sentinelone_threats=threats)
    assert ids(caller.threats(**params)) == expected


@pytest.mark.parametrize("sort", [ASCENDING, {"sortBy": "updatedAt"}, {}])
@pytest.mark.parametrize("treatment", [str, unquote])
def test_cursor_is_accepted_encoded_and_decoded(
    start: Start, sort: dict[str, str], treatment: Callable[[str], str]
) -> None:
    threats = [threat(n, f"2026-03-04T10:00:0{n // 3}.000000Z") for n in range(8)]
    _, caller = start(sentinelone_threats=threats)
    params: dict[str, Any] = {**sort, "limit": 3}
    pages = [caller.threats(**params)]
    while (cursor := pages[-1].json()["pagination"]["nextCursor"]) is not None:
        assert cursor != unquote(cursor)
        pages.append(caller.threats(**params, cursor=treatment(cursor)))
    found = [name for page in pages for name in ids(page)]
    assert [len(ids(page)) for page in pages] == [3, 3, 2]
    assert sorted(found) == [str(1000 + n) for n in range(8)]
    assert all(page.json()["pagination"]["totalItems"] == 8 for page in pages)


def test_cursor_belongs_to_its_sorting(start: Start) -> None:
    _, caller = start(sentinelone_threats=[threat(n) for n in range(3)])
    cursor = caller.threats(**ASCENDING, limit=1).json()["pagination"]["nextCursor"]
    assert caller.threats(sortBy="createdAt", cursor=cursor).status_code == 200
    assert caller.threats(sortBy="updatedAt", cursor=cursor).status_code == 400
    members = orjson.loads(base64.b64decode(unquote(cursor)))
    for change in ({"sort_by_column": "ThreatView.nothing"}, {"sort_by_value": None}, {"sort_order": "desc"}):
        crafted = base64.b64encode(orjson.dumps({**members, **change})).decode()
        assert caller.threats(cursor=quote(crafted, safe="")).status_code == 400


def test_envelope_and_counts(start: Start) -> None:
    _, caller = start(sentinelone_threats=[threat(n) for n in range(12)])
    usual = caller.threats().json()
    assert (len(usual["data"]), usual["errors"]) == (10, None)
    assert usual["pagination"]["totalItems"] == 12
    assert caller.threats(skipCount="true", limit=12).json()["pagination"] == {"nextCursor": None, "totalItems": 0}


def test_verdicts_come_late(start: Start, clock: ManualClock) -> None:
    simulator, caller = start(sentinelone_threats=[threat(1)])
    clock.advance(hours=5)
    simulator.set_verdict("1001", "true_positive", at=clock())
    verified = {"analystVerdicts": "true_positive", "updatedAt__gte": "2026-03-04T16:59:00Z"}
    shown = caller.threats(**verified).json()["data"][0]["threatInfo"]
    assert (shown["updatedAt"], shown["createdAt"]) == ("2026-03-04T17:00:00.000000Z", "2026-03-04T10:00:00.000000Z")
    with pytest.raises(KeyError):
        simulator.set_verdict("1", "true_positive")


def test_future_threats_are_not_there_yet(start: Start, clock: ManualClock) -> None:
    _, caller = start(sentinelone_threats=[threat(1, "2026-03-04T12:00:01.000000Z")])
    assert ids(caller.threats()) == []
    clock.advance(seconds=1)
    assert ids(caller.threats()) == ["1001"]


def test_malformed_elements_are_served_verbatim(start: Start) -> None:
    flat = {"id": "7", "createdAt": "2026-03-04T10:00:00.000000Z", "siteId": "11"}
    elements: list[Any] = [None, "text", [], {"id": 5}, b'{"id":"9","x":1e999}', flat, threat(1)]
    _, caller = start(sentinelone_threats=elements)
    raw = caller.threats(**ASCENDING, createdAt__gte="2026-03-04T09:00:00Z", limit=1000).content
    assert raw.startswith(b'{"data":[null,"text",[],{"id":5},{"id":"9","x":1e999},')
    assert [one["id"] for one in caller.threats(ids="7,1001", siteIds="11").json()["data"][-2:]] == ["7", "1001"]


@pytest.mark.parametrize(("setting", "header"), [(None, None), (7, "7")])
def test_rate_limit_is_an_html_page(start: Start, clock: ManualClock, setting: int | None, header: str | None) -> None:
    _, caller = start(limits=Limits(sentinelone_burst=3, sentinelone_retry_after_s=setting))
    answers = [caller.threats() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].headers["Content-Type"] == "text/html"
    assert answers[3].headers.get("Retry-After") == header
    clock.advance(seconds=0.1)
    assert caller.threats().status_code == 200


def test_other_paths(start: Start) -> None:
    _, caller = start()
    assert caller.threats(resource="agents").json()["errors"][0]["code"] == 4040010
