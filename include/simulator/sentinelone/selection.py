"""Which threats a request asks for: the filters really applied."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from simulator.sentinelone.threat_book import TIMELESS, ThreatRecord, ThreatState

_TIME_TESTS: Final[dict[str, Callable[[int, int], bool]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_INFO_FIELDS: Final = {
    "analystVerdicts": "analystVerdict",
    "incidentStatuses": "incidentStatus",
    "confidenceLevels": "confidenceLevel",
    "mitigationStatuses": "mitigationStatus",
    "initiatedBy": "initiatedBy",
    "classifications": "classification",
    "classificationSources": "classificationSource",
}
_SCOPE_FIELDS: Final = {"accountIds": "accountId", "siteIds": "siteId", "groupIds": "groupId"}

Shown = tuple[ThreatRecord, ThreatState]
Condition = Callable[[ThreatRecord, ThreatState], bool]


def conditions(params: dict[str, Any]) -> list[Condition]:
    """Returns the conditions of the parameters, cheapest first."""
    times = [_time_condition(name, params[name]) for name in params if "__" in name]
    others = [_condition(name, value) for name, value in params.items()]
    return [*times, *(condition for condition in others if condition is not None)]


def is_selected(record: ThreatRecord, state: ThreatState, tests: list[Condition]) -> bool:
    """Returns whether a threat meets all conditions; one without a readable time always does."""
    return record.created == TIMELESS or all(test(record, state) for test in tests)


def lower_bound(params: dict[str, Any], column: str) -> int:
    """Returns the lowest instant that the filters on a column allow, 0 without one."""
    bounds: list[int] = [params.get(f"{column}__{comparison}", 0) for comparison in ("gt", "gte")]
    return max(bounds)


def _time_condition(name: str, bound: int) -> Condition:
    column, comparison = name.split("__")
    compare = _TIME_TESTS[comparison]
    if column == "createdAt":
        return lambda record, state: compare(record.created, bound)
    return lambda record, state: compare(state.updated, bound)


def _condition(name: str, value: Any) -> Condition | None:
    if name == "ids":
        return lambda record, state: record.threat_id in value
    if name in _SCOPE_FIELDS:
        member = _SCOPE_FIELDS[name]
        return lambda record, state: _scope(state, member) in value
    if name == "contentHashes":
        hashes = {text.lower() for text in value}
        return lambda record, state: str(state.info.get("sha1")).lower() in hashes
    if name == "resolved":
        return lambda record, state: (state.info.get("incidentStatus") == "resolved") is value
    return _member_condition(name, value)


def _member_condition(name: str, value: Any) -> Condition | None:
    base, is_excluding = name.removesuffix("Nin"), name.endswith("Nin")
    if base in ("engines", "detectionEngines"):
        return lambda record, state: bool(_engines(state) & value) is not is_excluding
    if base not in _INFO_FIELDS:
        return None
    member = _INFO_FIELDS[base]
    return lambda record, state: (state.info.get(member) in value) is not is_excluding


def _scope(state: ThreatState, member: str) -> object:
    section = state.threat.get("agentDetectionInfo")
    return (section if isinstance(section, dict) else state.info).get(member)


def _engines(state: ThreatState) -> set[object]:
    engines = state.info.get("detectionEngines")
    return {engine.get("key") for engine in engines if isinstance(engine, dict)} if isinstance(engines, list) else set()
