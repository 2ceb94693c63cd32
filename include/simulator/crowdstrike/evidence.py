"""Indicators and techniques of alerts, in every form in which alerts have them, or without them."""

from __future__ import annotations

from typing import Any, Final

from simulator.draws import Draws

_FORMS: Final = (
    ("file", 34.0), ("process", 18.0), ("address", 8.0), ("addresses", 6.0), ("private", 5.0), ("domain", 8.0),
    ("several", 8.0), ("quarantined", 4.0), ("file name", 3.0), ("trivial", 2.0), ("none", 3.0), ("text numbers", 1.0),
)  # fmt: skip
_TECHNIQUES: Final = (
    (("TA0002", "T1204"), 30.0), (("TA0006", "T1003.001"), 20.0), (("TA0005", "T1055.012"), 15.0),
    (("CSTA0006", "CST0002"), 20.0), (("TA0002", "T1086"), 3.0), (("TA0040", "T9999"), 3.0), (("TA0008", ""), 4.0),
    (("", ""), 5.0),
)  # fmt: skip
_EMPTY_FILE: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_SYSTEM_PROGRAM: Final = "9844bd3abe6c59d9cc1ddba3ba35aab555d5ec483db326c183af3c4a6caefbc1"


def give_techniques(draws: Draws, alert: dict[str, Any]) -> None:
    """Give an alert its techniques: from ATT&CK, CrowdStrike's own, retired, unknown, or none."""
    tactic, technique = draws.weighted(_TECHNIQUES)
    pairs = [(tactic, technique)] + ([("TA0005", "T1112")] if draws.chance(0.2) else [])
    entries = [{"pattern_id": 10_304, "tactic_id": first, "technique_id": second} for first, second in pairs]
    alert.update(tactic_id=tactic, technique_id=technique, mitre_attack=entries if tactic else [])


def give_evidence(draws: Draws, alert: dict[str, Any]) -> None:
    """Give an alert its indicators in one of the forms; the acting process is a system program."""
    form = draws.weighted(_FORMS)
    alert.update(sha256=_SYSTEM_PROGRAM, md5=draws.hexadecimal(32), ioc_context=[])
    if form in ("none", "file name"):
        del alert["sha256"], alert["md5"]
    if form == "file name":
        _give_ioc(alert, "filename", "invoice.com")
    elif form == "quarantined":
        alert["quarantined_files"] = [_make_file(draws)]
    elif form == "several":
        domain = {"ioc_type": "domain", "ioc_value": f"c2-{draws.between(1, 99)}.example.org", "ioc_source": "dns"}
        alert["ioc_context"] = [_make_entry(draws.hexadecimal(64)), domain, _make_entry(draws.hexadecimal(64))]
        alert["quarantined_files"] = [_make_file(draws)]
    elif form == "text numbers":
        alert.update(severity=str(alert["severity"]), confidence=str(alert["confidence"]))
        _give_ioc(alert, "hash_sha256", draws.hexadecimal(64).upper())
    elif form != "process" and form != "none":
        kind, value = _draw_indicator(draws, form)
        _give_ioc(alert, kind, value)


def _draw_indicator(draws: Draws, form: str) -> tuple[str, str]:
    address = f"203.0.113.{draws.between(1, 254)}"
    if form == "file":
        return "hash_sha256", draws.hexadecimal(64)
    if form == "trivial":
        return "hash_sha256", _EMPTY_FILE
    if form == "domain":
        return "domain", f"drop-{draws.between(1, 99)}.example.net"
    if form == "addresses":
        return "ipv4", f"{address},198.51.100.{draws.between(1, 254)}"
    return "ipv4", f"10.0.0.{draws.between(1, 254)}" if form == "private" else address


def _give_ioc(alert: dict[str, Any], kind: str, value: str) -> None:
    alert.update(ioc_type=kind, ioc_value=value, ioc_values=[])
    if kind == "hash_sha256":
        alert["ioc_context"] = [_make_entry(value)]


def _make_entry(value: str) -> dict[str, Any]:
    return {
        "ioc_description": "\\Device\\HarddiskVolume1\\Users\\user\\invoice.exe",
        "ioc_source": "library_load",
        "ioc_type": "hash_sha256",
        "ioc_value": value,
        "sha256": value,
        "type": "module",
    }


def _make_file(draws: Draws) -> dict[str, Any]:
    return {"filename": "invoice.exe", "sha256": draws.hexadecimal(64), "state": "quarantined"}
