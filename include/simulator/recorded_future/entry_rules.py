"""Checks one entry of `data` member by member (Collective Insights API reference, request schema)."""

from __future__ import annotations

import re
from typing import Any, Final

from simulator.instants import parse_zoned
from simulator.recorded_future.indicator_rules import INDICATOR_RULES, INDICATOR_TYPES
from simulator.recorded_future.refusals import refused
from simulator.recorded_future.shapes import (
    check_optional_text,
    require_choice,
    require_list,
    require_object,
    require_text,
)

_ENTRY: Final = frozenset({"timestamp", "ioc", "transient_id", "incident", "mitre_codes", "malwares", "detection"})
_IOC: Final = frozenset({"type", "value", "source_type", "field", "transient_id"})
_DETECTION: Final = frozenset({"type", "sub_type", "id", "name"})
_DETECTION_TYPES: Final = ("correlation", "playbook", "detection_rule", "sandbox")
_SUB_TYPES: Final = ("sigma", "yara", "snort", "suricata", "nuclei")
_MITRE_CODE: Final = re.compile(r"T\d{4}(?:\.\d{3})?|TA\d{4}", re.ASCII)


def check_entry(entry: Any, place: str) -> None:
    """Refuse an entry at its first mistake. place: its name in the message, such as `data[3]`."""
    checked = require_object(entry, place, _ENTRY)
    _check_timestamp(checked, place)
    _check_ioc(checked.get("ioc"), f"{place}.ioc")
    _check_detection(checked.get("detection"), f"{place}.detection")
    if "incident" in checked:
        _check_incident(checked["incident"], f"{place}.incident")
    for index, code in enumerate(require_list(checked.get("mitre_codes", []), f"{place}.mitre_codes")):
        if not isinstance(code, str) or not _MITRE_CODE.fullmatch(code):
            raise refused(400, f"{place}.mitre_codes[{index}]: not an ATT&CK id")
    for index, name in enumerate(require_list(checked.get("malwares", []), f"{place}.malwares")):
        require_text(name, f"{place}.malwares[{index}]")
    check_optional_text(checked, "transient_id", place)


def _check_timestamp(entry: dict[str, Any], place: str) -> None:
    if "timestamp" not in entry:
        return
    text = entry["timestamp"]
    if not isinstance(text, str) or parse_zoned(text) is None:
        raise refused(400, f"{place}.timestamp: must be an ISO 8601 date-time with a zone")


def _check_ioc(ioc: Any, place: str) -> None:
    checked = require_object(ioc, place, _IOC)
    kind = require_choice(checked.get("type"), f"{place}.type", INDICATOR_TYPES)
    value = require_text(checked.get("value"), f"{place}.value")
    if not INDICATOR_RULES[kind](value):
        raise refused(400, f"{place}.value: not a valid {kind}")
    for name in ("source_type", "field", "transient_id"):
        check_optional_text(checked, name, place)


def _check_detection(detection: Any, place: str) -> None:
    checked = require_object(detection, place, _DETECTION)
    kind = require_choice(checked.get("type"), f"{place}.type", _DETECTION_TYPES)
    if "sub_type" in checked or kind == "detection_rule":
        require_choice(checked.get("sub_type"), f"{place}.sub_type", _SUB_TYPES)
    if "id" in checked or kind == "detection_rule":
        require_text(checked.get("id"), f"{place}.id")
    check_optional_text(checked, "name", place)


def _check_incident(incident: Any, place: str) -> None:
    checked = require_object(incident, place, None)
    for name in ("id", "type"):
        require_text(checked.get(name), f"{place}.{name}")
    check_optional_text(checked, "name", place)
