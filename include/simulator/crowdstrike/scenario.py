"""One hour of the invented Falcon tenant and its analysts (shape: Alerts API, detects.Alert).

Some alerts are indexed minutes after their creation. Verdicts come hours later, several at once, and
`updated_timestamp` also changes when nothing else does.
"""

from __future__ import annotations

from typing import Any, Final

from simulator.book import Label, Plan, read_instant
from simulator.crowdstrike.evidence import give_evidence, give_techniques
from simulator.draws import Draws, daytime_factor
from simulator.instants import HOUR, MINUTE, SECOND, format_us

CID: Final = "51a0c8a7e0014d2f9b6e3c5d7a8f0000"
MAX_CHANGE_DELAY: Final = 49 * HOUR
_VERDICTS: Final = (("true_positive", 60.0), ("false_positive", 25.0), ("ignored", 15.0))
_PRODUCTS: Final = (("epp", 88.0), ("idp", 6.0), ("ngsiem", 4.0), ("automated-lead", 2.0))
_PATTERNS: Final = (
    ("MaliciousFileWritten", "A process wrote a file that Falcon knows as malicious.", "known_malware"),
    ("CredentialDump", "A process appears to dump credentials.", "credential_theft"),
    ("SuspiciousDnsRequest", "A process contacted a domain of an adversary.", "command_and_control"),
    ("LateralMovement", "A process logged on to many hosts.", "lateral_movement"),
)
_SEVERITIES: Final = (
    ((10, "Informational"), 15.0), ((30, "Low"), 20.0), ((50, "Medium"), 30.0), ((70, "High"), 25.0),
    ((90, "Critical"), 10.0),
)  # fmt: skip


def label_alert(alert: dict[str, Any]) -> Label:
    """Return what an alert says of itself."""
    created, updated = (read_instant(alert, name) for name in ("created_timestamp", "updated_timestamp"))
    return Label(alert.get("composite_id"), created, updated, alert.get("product"))


def alert_hour(seed: int, hour: int) -> list[Plan]:
    """Return the alerts created in an hour since 1970, in order of creation."""
    draws = Draws(seed, "crowdstrike", hour)
    factor = daytime_factor(hour)
    count, start = draws.between(int(3 + 3 * factor), int(5 + 8 * factor)), hour * HOUR
    moments = sorted(draws.between(start, start + HOUR - 1) for _ in range(count))
    return [_plan(draws, moment, number) for number, moment in enumerate(moments)]


def changed(alert: dict[str, Any], at: int, **members: Any) -> dict[str, Any]:
    """Return a copy of an alert as shown after a change."""
    return {**alert, **members, "updated_timestamp": format_ns(at)}


def format_ns(us: int) -> str:
    """Return an instant with nine digits, as CrowdStrike writes its own times."""
    return f"{format_us(us).removesuffix('Z')}{us * 7 % 1000:03d}Z"


def _plan(draws: Draws, created: int, number: int) -> Plan:
    delay = draws.between(MINUTE, 8 * MINUTE) if draws.chance(0.06) else 0
    changes: list[tuple[int, dict[str, Any]]] = []
    if draws.chance(0.3):
        changes.append((created + delay + draws.between(MINUTE, 50 * MINUTE), {}))
    if draws.chance(0.45):
        closed = (created // (12 * HOUR) + draws.between(1, 4)) * 12 * HOUR + 90 * SECOND
        changes.append((closed, {"status": "closed", "resolution": draws.weighted(_VERDICTS)}))
    alert = shown = _make_alert(draws, created, number)
    states = []
    for at, members in sorted(changes, key=_time):
        shown = changed(shown, at, **members)
        states.append((at, shown))
    return Plan(created, created + delay, alert, states)


def _time(change: tuple[int, dict[str, Any]]) -> int:
    return change[0]


def _make_alert(draws: Draws, created: int, number: int) -> dict[str, Any]:
    product = draws.weighted(_PRODUCTS)
    aid, (name, description, scenario) = draws.hexadecimal(32), draws.pick(_PATTERNS)
    alert_id = f"ind:{aid}:{created}-{draws.between(10_000, 20_000)}-{number}"
    severity, severity_name = draws.weighted(_SEVERITIES)
    happened = created - draws.between(SECOND, 90 * SECOND)
    user = f"user{draws.between(1, 300)}"
    alert: dict[str, Any] = {
        "agent_id": aid,
        "cid": CID,
        "composite_id": f"{CID}:{alert_id}",
        "id": alert_id,
        "product": product,
        "type": "ldt" if product == "epp" else product,
        "name": name,
        "display_name": name,
        "description": description,
        "scenario": scenario,
        "severity": severity,
        "severity_name": severity_name,
        "confidence": draws.pick((20, 40, 60, 80, 100)),
        "status": "new",
        "show_in_ui": True,
        "timestamp": f"{format_us(happened)[:23]}Z",
        "created_timestamp": format_ns(created),
        "updated_timestamp": format_ns(created),
        "device": {
            "hostname": f"HOST-{draws.between(1, 250):04d}",
            "external_ip": f"198.51.100.{draws.between(1, 254)}",
        },
        "user_name": user,
        "filename": "cmd.exe",
        "filepath": f"\\Device\\HarddiskVolume1\\Users\\{user}\\cmd.exe",
        "cmdline": "cmd.exe /c start",
        "sha1": "0" * 40,
    }
    give_techniques(draws, alert)
    give_evidence(draws, alert)
    return alert
