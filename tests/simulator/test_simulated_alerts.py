"""The simulated endpoint of unified alerts is as strict as SentinelOne's schema."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.simulator.caller import Start

from simulator import Limits
from simulator.settings import SENTINELONE_TOKEN, SENTINELONE_TOKEN_WITHOUT_ROLE

LIST = (
    "query List($filters: [FilterInput!], $sort: SortInput, $first: Int, $after: String, $scope: ScopeSelectorInput) "
    "{ alerts(filters: $filters, sort: $sort, first: $first, after: $after, scope: $scope) "
    "{ edges { node { id externalId analystVerdict } } pageInfo { hasNextPage endCursor } } }"
)
DETAILS = "query ($id: ID!) { alert(id: $id) { id indicators { attacks { technique { uid } } } } }"
ASCENDING = {"by": "createdAt", "order": "ASC"}


def alert(number: int, created: str = "2026-03-04T10:00:00.000Z", **members: Any) -> dict[str, Any]:
    return {"id": f"alert-{number}", "externalId": str(number), "detectedAt": created, "createdAt": created, **members}


def ids(answer: Any) -> list[str]:
    return [edge["node"]["id"] for edge in answer.json()["data"]["alerts"]["edges"]]


def message(answer: Any) -> str:
    assert answer.status_code == 200
    body = answer.json()
    assert body["data"] is None
    return str(body["errors"][0]["message"])


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("", 401),
        (f"Bearer {SENTINELONE_TOKEN}", 401),
        (f"ApiToken {SENTINELONE_TOKEN_WITHOUT_ROLE}", 403),
    ],
)
def test_refuses_credentials(start: Start, authorization: str, status: int) -> None:
    _, caller = start()
    assert caller.alerts(LIST, authorization=authorization).status_code == status


def test_takes_only_posts(start: Start) -> None:
    _, caller = start()
    assert caller.threats(resource="unifiedalerts/graphql").status_code == 405


def test_limits_requests(start: Start) -> None:
    _, caller = start(limits=Limits(sentinelone_per_second=1.0, sentinelone_burst=1))
    assert [caller.alerts(LIST).status_code for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "offending token"),
        ("mutation { alerts { edges { node { id } } } }", "offending token"),
        ("query { alerts(first: 5) { totalCount } }", "offending token|no literals"),
        ("query { threats { id } }", "FieldUndefined.*'threats'"),
        ("query { alerts { edges { node { sha1 } } } }", "FieldUndefined@.alerts/edges/node/sha1"),
        ("query { alerts { edges { node { indicators { uid } } } } }", "FieldUndefined.*'indicators'"),
        ("query { alerts { edges { node { process } } } }", "SubselectionRequired@.alerts/edges/node/process"),
        ("query { alerts { edges { node { dataSources { id } } } } }", "SubselectionNotAllowed"),
        ("query ($l: Int) { alerts(limit: $l) { totalCount } }", "UnknownArgument.*'limit'"),
        ("query ($f: SortOrder) { alerts(first: $f) { totalCount } }", "VariableTypeMismatch"),
        ("query { alerts(first: $f) { totalCount } }", "VariableTypeMismatch"),
        ("query { alert { id } }", "'id' has an invalid value: must not be null"),
    ],
)
def test_refuses_queries_that_the_schema_does_not_have(start: Start, query: str, said: str) -> None:
    _, caller = start()
    answer = message(caller.alerts(query))
    assert re.search(said, answer), answer


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"first": 0}, "between 1 and 1000"),
        ({"first": 1001}, "between 1 and 1000"),
        ({"first": "5"}, "invalid value"),
        ({"first": True}, "invalid value"),
        ({"after": "x"}, "Invalid cursor"),
        ({"sort": {"by": "name"}}, "not supported for SORT"),
        ({"sort": {"by": "createdAt", "order": "UP"}}, "invalid value"),
        ({"filters": [{"fieldId": "siteId", "stringEqual": {"value": "1"}}]}, "not supported for FILTER"),
        ({"filters": [{"fieldId": "createdAt", "stringEqual": {"value": "1"}}]}, "not supported for FILTER"),
        ({"filters": [{"fieldId": "createdAt"}]}, "not supported for FILTER"),
        ({"filters": [{"fieldId": "createdAt", "dateTimeRange": {"from": 1}}]}, "invalid value"),
        ({"filters": [{"fieldId": "createdAt", "dateTimeRange": {"start": "2026-03-04T10:00:00Z"}}]}, "invalid value"),
        ({"filters": [{"dateTimeRange": {"start": 1}}]}, "must not be null"),
        ({"scope": {"scopeType": "SITE"}}, "must not be null"),
        ({"scope": {"scopeIds": ["1"], "scopeType": "TENANT"}}, "invalid value"),
    ],
)
def test_refuses_values_that_the_schema_does_not_have(start: Start, variables: Any, said: str) -> None:
    _, caller = start()
    assert said in message(caller.alerts(LIST, **variables))


def test_pages_have_a_cursor_to_the_next_one(start: Start) -> None:
    simulator, caller = start()
    for number in range(5):
        simulator.add_event("sentinelone", alert(number))
    first = caller.alerts(LIST, sort=ASCENDING, first=3)
    info = first.json()["data"]["alerts"]["pageInfo"]
    assert info["hasNextPage"]
    second = caller.alerts(LIST, sort=ASCENDING, first=3, after=info["endCursor"])
    assert ids(first) + ids(second) == [f"alert-{number}" for number in range(5)]
    assert not second.json()["data"]["alerts"]["pageInfo"]["hasNextPage"]
    other = {"by": "detectedAt", "order": "ASC"}
    assert "another sorting" in message(caller.alerts(LIST, sort=other, after=info["endCursor"]))


def test_the_newest_comes_first_unless_asked_otherwise(start: Start) -> None:
    simulator, caller = start()
    for number in range(2):
        simulator.add_event("sentinelone", alert(number, f"2026-03-04T1{number}:00:00.000Z"))
    assert ids(caller.alerts(LIST)) == ["alert-1", "alert-0"]


@pytest.mark.parametrize(("inclusive", "found"), [(None, ["alert-0", "alert-1"]), (False, [])])
def test_bounds_are_inclusive_by_default(start: Start, inclusive: bool | None, found: list[str]) -> None:
    simulator, caller = start()
    for number in range(2):
        simulator.add_event("sentinelone", alert(number, f"2026-03-04T10:00:0{number}.000Z"))
    bounds = {"start": 1772618400000, "end": 1772618401000}
    bounds |= {} if inclusive is None else {"startInclusive": inclusive, "endInclusive": inclusive}
    filters = [{"fieldId": "createdAt", "dateTimeRange": bounds}]
    assert ids(caller.alerts(LIST, filters=filters, sort=ASCENDING)) == found


def test_filters_meet_all_at_once_and_may_be_negated(start: Start) -> None:
    simulator, caller = start()
    for number, verdict in enumerate(("UNDEFINED", "TRUE_POSITIVE_MALWARE", "FALSE_POSITIVE_BENIGN")):
        simulator.add_event("sentinelone", alert(number, analystVerdict=verdict))
    undefined = {"fieldId": "analystVerdict", "stringEqual": {"value": "UNDEFINED"}, "isNegated": True}
    numbers = {"fieldId": "externalId", "stringIn": {"values": ["0", "1"]}}
    assert ids(caller.alerts(LIST, filters=[undefined, numbers])) == ["alert-1"]


def test_informational_alerts_have_to_be_asked_for(start: Start) -> None:
    simulator, caller = start()
    simulator.add_event("sentinelone", alert(1, confidenceLevel="INFORMATIONAL"))
    assert ids(caller.alerts(LIST)) == []
    named = {"fieldId": "confidenceLevel", "stringIn": {"values": ["INFORMATIONAL"]}}
    assert ids(caller.alerts(LIST, filters=[named])) == ["alert-1"]


def test_only_what_is_selected_is_shown(start: Start) -> None:
    simulator, caller = start()
    simulator.add_event("sentinelone", alert(1, process={"cmdLine": "x"}, indicators=[{"uid": "a", "attacks": None}]))
    (edge,) = caller.alerts(LIST).json()["data"]["alerts"]["edges"]
    assert edge["node"] == {"id": "alert-1", "externalId": "1"}
    details = caller.alerts(DETAILS, id="alert-1").json()["data"]["alert"]
    assert details == {"id": "alert-1", "indicators": [{"attacks": None}]}
    assert "Required value was null" in message(caller.alerts(DETAILS, id="1"))


def test_a_verdict_moves_the_alert_in_time(start: Start) -> None:
    simulator, caller = start()
    simulator.add_event("sentinelone", alert(1, analystVerdict="UNDEFINED"))
    simulator.set_verdict("1", "TRUE_POSITIVE_MALWARE")
    (edge,) = caller.alerts(LIST).json()["data"]["alerts"]["edges"]
    assert edge["node"]["analystVerdict"] == "TRUE_POSITIVE_MALWARE"
    with pytest.raises(KeyError, match="no added event with id 2"):
        simulator.set_verdict("2", "TRUE_POSITIVE_MALWARE")


def test_each_threat_of_the_scenario_is_an_alert_too(start: Start) -> None:
    _, caller = start(scenario=True, limits=Limits.off())
    query = (
        "query ($first: Int) { alerts(first: $first) { edges { node { externalId analystVerdict confidenceLevel "
        "createdAt detectedAt detectionSource { vendor } process { file { sha256 } } } } } }"
    )
    found = [edge["node"] for edge in caller.alerts(query, first=1000).json()["data"]["alerts"]["edges"]]
    page = caller.threats(limit=1000, createdAt__gte="2026-03-03T12:00:00Z").json()["data"]
    threats = {element["id"] for element in page if element.get("threatInfo")}
    assert len(threats) > 50
    assert threats < {each["externalId"] for each in found}
    assert {each["detectionSource"]["vendor"] for each in found} == {"SentinelOne", "Example Mail"}
    assert any(each["process"] is None for each in found)
    assert any(each["createdAt"] > each["detectedAt"][:13] + ":59" for each in found), "found late"
    assert {each["analystVerdict"].partition("_POSITIVE")[0] for each in found} == {"UNDEFINED", "TRUE", "FALSE"}
    assert "INFORMATIONAL" not in {each["confidenceLevel"] for each in found}
