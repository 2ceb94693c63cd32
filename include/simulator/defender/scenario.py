"""One hour of the invented tenant: its alerts, when each becomes visible, and its later changes.

An investigation gives evidence its verdict within minutes, usually before the alert can be read. A person classifies
the alert hours later. Sometimes only the time of the last update changes.
"""

from __future__ import annotations

from typing import Any, Final

from simulator.book import Label, Plan, read_instant
from simulator.defender.evidence import draw_evidence, judge
from simulator.draws import Draws, daytime_factor
from simulator.instants import HOUR, MINUTE, SECOND, format_us

LONGEST_STORY: Final = 49 * HOUR
_VERDICTS: Final = (("malicious", 45.0), ("suspicious", 30.0), ("unknown", 15.0), ("noThreatsFound", 10.0))
_CLASSIFIED: Final = (("truePositive", 60.0), ("falsePositive", 25.0), ("informationalExpectedActivity", 15.0))
_PRODUCTS: Final = (
    (("microsoftDefenderForEndpoint", "antivirus"), 40.0),
    (("microsoftDefenderForEndpoint", "customDetection"), 15.0),
    (("microsoftDefenderForOffice365", "microsoftDefenderForOffice365"), 20.0),
    (("microsoft365Defender", "automatedInvestigation"), 10.0),
    (("azureAdIdentityProtection", "azureAdIdentityProtection"), 5.0),
    (("microsoftDefenderForCloud", "microsoftDefenderForServers"), 10.0),
)
_TITLES: Final = (
    ("Suspicious file launched", "Execution"), ("Malware was prevented", "Malware"),
    ("Phishing message delivered", "InitialAccess"), ("Connection to a known bad host", "CommandAndControl"),
)  # fmt: skip
_TECHNIQUES: Final[tuple[tuple[list[str] | None, float], ...]] = (
    (["T1059.001"], 25.0), (["T1566.002", "T1204"], 20.0), (["T1071", "T1105"], 20.0), ([], 15.0), (None, 10.0),
    (["T1086"], 5.0), (["T7"], 2.0), (["T1564.001"], 3.0),
)  # fmt: skip


def label_alert(alert: dict[str, Any]) -> Label:
    """Return what an alert says of itself."""
    return Label(alert.get("id"), read_instant(alert, "createdDateTime"), read_instant(alert, "lastUpdateDateTime"))


def alert_hour(seed: int, hour: int) -> list[Plan]:
    """Return the alerts created in an hour since 1970, in order of creation."""
    draws, factor = Draws(seed, "defender", hour), daytime_factor(hour)
    count = draws.between(int(3 + 2 * factor), int(4 + 8 * factor))
    moments = sorted(draws.between(hour * HOUR, (hour + 1) * HOUR - 1) for _ in range(count))
    return [_plan(draws, moment) for moment in moments]


def format_ticks(us: int) -> str:
    """Return an instant as Graph writes it: seven fraction digits."""
    return f"{format_us(us)[:-1]}0Z"


def changed(alert: dict[str, Any], at: int, **members: Any) -> dict[str, Any]:
    """Return a copy of an alert as shown after a change."""
    return {**alert, **members, "lastUpdateDateTime": format_ticks(at)}


def _plan(draws: Draws, created: int) -> Plan:
    alert = shown = _alert(draws, created)
    changes, at = [], created
    if draws.chance(0.9):  # investigated, usually at once
        at += draws.between(SECOND, 40 * SECOND) if draws.chance(0.8) else draws.between(2 * MINUTE, 50 * MINUTE)
        evidence = judge(alert["evidence"] or [], draws.weighted(_VERDICTS))
        shown = changed(shown, at, evidence=evidence, status="inProgress")
        changes.append((at, shown))
    if draws.chance(0.1):  # only the time of the last update changes
        at += draws.between(MINUTE, HOUR)
        shown = changed(shown, at)
        changes.append((at, shown))
    if draws.chance(0.4):
        at += draws.between(10 * MINUTE, 46 * HOUR)
        shown = changed(shown, at, classification=draws.weighted(_CLASSIFIED), status="resolved")
        changes.append((at, shown))
    late = draws.between(MINUTE, 8 * MINUTE) if draws.chance(0.02) else draws.between(SECOND, 45 * SECOND)
    return Plan(created, created + late, alert, changes)


def _alert(draws: Draws, created: int) -> dict[str, Any]:
    title, category = draws.pick(_TITLES)
    service, detection = draws.weighted(_PRODUCTS)
    alert_id = f"da{created * 10 + 621_355_968_000_000_000}_{draws.between(-(1 << 30), 1 << 30)}"
    stamp = format_ticks(created)
    return {
        "@odata.type": "#microsoft.graph.security.alert",
        "id": alert_id,
        "providerAlertId": alert_id[2:],
        "incidentId": str(draws.between(20_000, 30_000)),
        "status": "new",
        "severity": draws.pick(("informational", "low", "medium", "high")),
        "classification": draws.pick((None, "unknown")),
        "determination": None,
        "serviceSource": service,
        "detectionSource": detection,
        "tenantId": "00000000-0000-4000-8000-00000000d3fe",
        "title": title,
        "description": "An invented alert.",
        "category": category,
        "assignedTo": None,
        "mitreTechniques": draws.weighted(_TECHNIQUES),
        "createdDateTime": stamp,
        "lastUpdateDateTime": stamp,
        "resolvedDateTime": None,
        "comments": [],
        "evidence": [] if draws.chance(0.02) else draw_evidence(draws, stamp),
    }
