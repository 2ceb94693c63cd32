"""`POST /collective-insights/search` over what is stored, with the filters of the vendor's SDK that are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from simulator.instants import format_ms, parse_zoned
from simulator.recorded_future.refusals import refused
from simulator.recorded_future.shapes import require_choice, require_object
from simulator.recorded_future.store import StoredDetection

Match = Callable[[StoredDetection], bool]
_BODY: Final = frozenset({"filters", "limit", "offset"})
_TIME: Final = frozenset({"from", "to"})
_METHODS: Final = ("api", "integration", "sandbox")


def search(body: dict[str, Any], visible: list[StoredDetection]) -> dict[str, Any]:
    """Return the page of entries that match all filters, ordered by detection time, with counts."""
    checked = require_object(body, "body", _BODY)
    limit = _whole(checked.get("limit", 100), "limit", 1, 1000)
    offset = _whole(checked.get("offset", 0), "offset", 0, 1_000_000_000)
    tests = _tests(require_object(checked.get("filters", {}), "filters", None))
    found = [stored for stored in visible if all(test(stored) for test in tests)]
    found.sort(key=lambda stored: (stored.detected_at, stored.id))
    page = found[offset : offset + limit]
    return {
        "data": [_entry(stored) for stored in page],
        "counts": {"returned": len(page), "total": len(found)},
    }


def _tests(filters: dict[str, Any]) -> list[Match]:
    unknown = [name for name in filters if name not in _FILTERS]
    if unknown:
        raise refused(400, f"filters.{unknown[0]}: unknown filter")
    return [_FILTERS[name](value) for name, value in filters.items()]


def _method_test(value: Any) -> Match:
    wanted = [
        require_choice(text, "filters.submission_method", _METHODS)
        for text in _texts(value, "filters.submission_method")
    ]
    return lambda stored: "api" in wanted


def _organization_test(value: Any) -> Match:
    wanted = set(_texts(value, "filters.organizations"))
    return lambda stored: bool(wanted & set(stored.organizations))


def _time_test(value: Any) -> Match:
    bounds = require_object(value, "filters.detection_time", _TIME)
    first = _instant(bounds.get("from"), "from")
    last = _instant(bounds.get("to"), "to")
    return lambda stored: (
        (first is None or stored.detected_at >= first) and (last is None or stored.detected_at <= last)
    )


def _texts(value: Any, place: str) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(text, str) for text in values):
        raise refused(400, f"{place}: must be a string or a list of strings")
    return values


def _instant(value: Any, name: str) -> int | None:
    if value is None:
        return None
    moment = parse_zoned(value) if isinstance(value, str) else None
    if moment is None:
        raise refused(400, f"filters.detection_time.{name}: must be an ISO 8601 date-time with a zone")
    return moment


def _whole(value: Any, place: str, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise refused(400, f"{place}: must be a whole number from {low} to {high}")
    return value


def _entry(stored: StoredDetection) -> dict[str, Any]:
    entry, detection = stored.entry, stored.entry["detection"]
    kind, value = stored.indicator
    codes = [{"id": f"mitre:{code}", "name": code} for code in entry.get("mitre_codes", [])]
    malware = [{"id": f"malware:{name}", "name": name} for name in entry.get("malwares", [])]
    return {
        "id": stored.id,
        "organizations": list(stored.organizations),
        "integration_type": None,
        "submission_method": "api",
        "detection_type": detection["type"],
        "detection_time": format_ms(stored.detected_at),
        "indicator": {"type": kind, "value": value, "field": entry["ioc"].get("field"), "risk": None},
        "action": None,
        "action_category": None,
        "detection_rules": [{"id": detection["id"]}] if detection["type"] == "detection_rule" else [],
        "incident": entry.get("incident"),
        "associated_threats": {"threat_actors": [], "malware": malware, "mitre_codes": codes},
        "context": {},
        "autonomous_threat_operations": None,
    }


_FILTERS: Final[dict[str, Callable[[Any], Match]]] = {
    "detection_time": _time_test,
    "organizations": _organization_test,
    "submission_method": _method_test,
}
