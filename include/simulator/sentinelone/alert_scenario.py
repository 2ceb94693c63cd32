"""One hour of unified alerts of the invented tenant: one for each threat, and others that are not threats.

An alert that is a threat too has the threat's id as `externalId`, its hashes in `process.file` and a finer verdict.
"""

from __future__ import annotations

from typing import Any, Final

from simulator.book import Label, Plan, read_instant
from simulator.draws import Draws
from simulator.instants import HOUR, SECOND, format_ms, parse_zoned
from simulator.sentinelone.scenario import ACCOUNT_ID, SITE_IDS, threat_hour

_FINER: Final = {
    "true_positive": ("TRUE_POSITIVE_MALWARE", "TRUE_POSITIVE_RANSOMWARE", "TRUE_POSITIVE_EXPLOITATION_TOOLS"),
    "suspicious": ("TRUE_POSITIVE_BENIGN_BUT_SUSPICIOUS",),
    "false_positive": ("FALSE_POSITIVE_USER_ERROR", "FALSE_POSITIVE_BENIGN", "FALSE_POSITIVE_SYSTEM_ERROR"),
}
_CLASSIFICATIONS: Final = ("MALWARE", "TROJAN", "RANSOMWARE", "EXPLOIT", "UNKNOWN")
_OTHERS: Final = (
    (("STAR", "SentinelOne", "Encoded PowerShell from an office program"), 4.0),
    (("EDR", "SentinelOne", "Credential access seen by Behavioral AI"), 4.0),
    (("Identity", "SentinelOne", "Kerberoasting"), 1.0),
    (("Email Security", "Example Mail", "Phishing mail delivered"), 1.0),
)
_TACTICS: Final = (("TA0002", "Execution", "T1059.001"), ("TA0006", "Credential Access", "T1003.001"))


def label_alert(alert: dict[str, Any]) -> Label:
    """Return what an alert says of itself."""
    return Label(alert.get("id"), read_instant(alert, "createdAt"), read_instant(alert, "updatedAt"))


def alert_hour(seed: int, hour: int) -> list[Plan]:
    """Return the alerts created in an hour since 1970, in order of creation."""
    draws = Draws(seed, "sentinelone alerts", hour)
    alerts = [_of_threat(draws, plan) for plan in threat_hour(seed, hour) if plan.event.get("threatInfo")]
    alerts += [_other(draws, hour * HOUR + draws.between(0, HOUR - 1)) for _ in range(draws.between(2, 5))]
    return sorted(alerts, key=lambda planned: planned.created)


def judged(alert: dict[str, Any], verdict: str, given: int) -> dict[str, Any]:
    """Return a copy of the alert after the verdict, whose time becomes `updatedAt`."""
    return {**alert, "analystVerdict": verdict, "status": "RESOLVED", "updatedAt": format_ms(given)}


def _of_threat(draws: Draws, plan: Plan) -> Plan:
    info = plan.event["threatInfo"]
    alert = _alert(
        draws,
        externalId=info["threatId"],
        name=info["threatName"],
        confidenceLevel=info["confidenceLevel"].upper(),
        detectedAt=format_ms(parse_zoned(info["identifiedAt"]) or plan.created),
        createdAt=format_ms(plan.created),
        updatedAt=format_ms(parse_zoned(info["updatedAt"]) or plan.created),
        fileHash=info.get("sha1") or "N/A",
        indicators=[_indicator(tactics) for tactics in _tactics_of(plan.event)],
    )
    alert["process"]["file"] |= {kind: info.get(kind) or None for kind in ("sha256", "sha1", "md5")}
    verdicts = ((given, threat["threatInfo"]["analystVerdict"]) for given, threat in plan.changes)
    changes = [(given, judged(alert, draws.pick(_FINER[verdict]), given)) for given, verdict in verdicts]
    return Plan(plan.created, plan.created, alert, changes)


def _other(draws: Draws, created: int) -> Plan:
    product, vendor, name = draws.weighted(_OTHERS)
    uid, tactic, technique = draws.pick(_TACTICS)
    attack = {"tactic": {"uid": uid, "name": tactic}, "technique": {"uid": technique, "name": None}}
    alert = _alert(
        draws,
        externalId=draws.hexadecimal(24) if draws.chance(0.7) else "N/A",
        name=name,
        detectedAt=format_ms(created - draws.between(0, 90) * SECOND),
        createdAt=format_ms(created),
        updatedAt=format_ms(created),
        detectionSource={"product": product, "vendor": vendor, "engine": None},
        indicators=[_indicator([attack]), _indicator(None)][: draws.between(0, 2)],
    )
    if draws.chance(0.6):
        alert["process"]["file"]["sha256"] = draws.hexadecimal(64)
    elif draws.chance(0.5):
        alert["process"] = None
    return Plan(created, created, alert)


def _alert(draws: Draws, **members: Any) -> dict[str, Any]:
    site = draws.pick(SITE_IDS)
    return {
        "id": draws.uuid(),
        "analystVerdict": "UNDEFINED",
        "assets": [
            {"id": draws.hexadecimal(26), "name": f"HOST-{draws.between(1, 250):04d}", "category": "Workstation"}
        ],
        "classification": draws.pick(_CLASSIFICATIONS),
        "confidenceLevel": draws.pick(("MALICIOUS", "SUSPICIOUS", None, "INFORMATIONAL")),
        "detectionSource": {"product": "EDR", "vendor": "SentinelOne", "engine": None},
        "fileHash": "N/A",
        "process": {
            "cmdLine": "example.exe --user alice",
            "file": {"name": "example.exe", "path": "C:\\Temp", "md5": None, "sha1": None, "sha256": None},
        },
        "realTime": {"scope": {"account": {"id": ACCOUNT_ID}, "site": {"id": site}}},
        "severity": draws.pick(("LOW", "MEDIUM", "HIGH", "CRITICAL")),
        "status": "NEW",
        "storylineId": draws.hexadecimal(32),
        **members,
    }


def _tactics_of(threat: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Return the attacks of each of a threat's indicators. A tactic without techniques gives one attack."""
    found = []
    for indicator in threat["indicators"] or ():
        attacks = []
        for tactic in indicator["tactics"] or ():
            techniques = tactic.get("techniques") or [None]
            attacks += [_attack(tactic["name"], technique) for technique in techniques]
        found.append(attacks)
    return found


def _attack(tactic: str, technique: dict[str, Any] | None) -> dict[str, Any]:
    named = technique and {"uid": technique.get("name"), "name": None, "sourceUrl": technique.get("link")}
    return {"tactic": {"uid": None, "name": tactic}, "technique": named}


def _indicator(attacks: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {"uid": "indicator", "type": "Behavior", "severity": "LOW", "attacks": attacks}
