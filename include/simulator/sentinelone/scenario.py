"""One hour of the invented SentinelOne tenant, and its analysts (shape: SentinelOne Management API 2.1, threats).

Most threats get their verdict hours after they were found.
"""

from __future__ import annotations

import copy
from typing import Any, Final

from simulator.book import Label, Plan, read_instant
from simulator.draws import Draws, daytime_factor
from simulator.instants import HOUR, MINUTE, SECOND, format_us
from simulator.sentinelone.indicators import indicators
from simulator.sentinelone.threat_forms import flattened, give_hashes

ACCOUNT_ID: Final = "1800000000000000001"
SITE_IDS: Final = ("1800000000000000101", "1800000000000000102")
GROUP_IDS: Final = ("1800000000000000201", "1800000000000000202", "1800000000000000203")
MAX_VERDICT_DELAY: Final = 48 * HOUR
_JUDGED_SHARE: Final = 0.45
_VERDICTS: Final = (("true_positive", 60.0), ("false_positive", 25.0), ("suspicious", 15.0))
_DELAYS: Final = (
    ((5 * MINUTE, 50 * MINUTE), 30.0),
    ((HOUR, 10 * HOUR), 50.0),
    ((10 * HOUR, MAX_VERDICT_DELAY - SECOND), 20.0),
)
_FIRST_ID_AT: Final = 1_356_998_400_000_000
_FILES: Final = (
    ("invoice", "exe", "Trojan"), ("setup", "msi", "PUA"), ("macro", "docm", "Malware"),
    ("update", "dll", "Downloader"),
    ("keygen", "exe", "Malware"), ("report", "js", "Infostealer"), ("locker", "exe", "Ransomware"),
)  # fmt: skip
_ENGINES: Final = (
    ("reputation", "SentinelOne Cloud", "static"), ("pre_execution", "On-Write Static AI", "static"),
    ("executables", "Behavioral AI", "dynamic"), ("lateral_movement", "Lateral Movement", "dynamic"),
)  # fmt: skip


def label_threat(threat: dict[str, Any]) -> Label:
    """Return what a threat says of itself; by default the console sorts threats by the number that their id is."""
    info, found = info_of(threat), threat.get("id")
    threat_id = found if isinstance(found, str) else ""
    is_number = threat_id.isascii() and threat_id.isdigit() and int(threat_id) < 1 << 63
    serial = int(threat_id) if is_number else 1
    return Label(found, read_instant(info, "createdAt"), read_instant(info, "updatedAt"), serial=serial)


def info_of(threat: dict[str, Any]) -> dict[str, Any]:
    """Return the part with verdict and hashes: `threatInfo`, or the old flat form itself."""
    info = threat.get("threatInfo")
    return info if isinstance(info, dict) else threat


def threat_hour(seed: int, hour: int) -> list[Plan]:
    """Return the threats created in an hour since 1970, in order of creation."""
    draws = Draws(seed, "sentinelone", hour)
    factor = daytime_factor(hour)
    count = draws.between(int(5 + 3 * factor), int(6 + 9 * factor))
    start = hour * HOUR
    moments = sorted(draws.between(start, start + HOUR - 1) for _ in range(count))
    return [_plan(draws, moment) for moment in moments]


def judged(threat: dict[str, Any], verdict: str, given: int) -> dict[str, Any]:
    """Return a copy of the threat after the verdict, whose time becomes `updatedAt`."""
    after = copy.deepcopy(threat)
    info = after.get("threatInfo")
    if not isinstance(info, dict):
        return {**after, "updatedAt": format_us(given)}
    info.update(updatedAt=format_us(given), analystVerdict=verdict, incidentStatus="resolved")
    if verdict == "false_positive":
        info["mitigationStatus"] = "marked_as_benign"
    return after


def _plan(draws: Draws, created: int) -> Plan:
    delta = -draws.between(4_000, 20_000) if draws.chance(0.15) else draws.between(0, 5 * SECOND)
    threat = _threat(draws, created, created + delta)
    verdict = draws.weighted(_VERDICTS) if draws.chance(_JUDGED_SHARE) else None
    given = created + draws.between(*draws.weighted(_DELAYS)) if verdict else 0
    if draws.chance(0.02):
        threat = flattened(threat)
    elif draws.chance(0.005):
        threat["threatInfo"] = None
    changes = [(given, judged(threat, verdict, given))] if verdict else []
    return Plan(created, created, threat, changes)


def _threat(draws: Draws, created: int, updated: int) -> dict[str, Any]:
    threat_id = str(((created - _FIRST_ID_AT) // 1000) << 22 | draws.between(0, (1 << 22) - 1))
    group = draws.between(0, 2)
    return {
        "agentDetectionInfo": _detection_section(draws, group),
        "agentRealtimeInfo": _realtime_section(draws, group),
        "containerInfo": {"id": None, "image": None, "labels": None, "name": None},
        "id": threat_id,
        "indicators": indicators(draws),
        "kubernetesInfo": {"cluster": None, "namespace": None, "node": None, "pod": None},
        "mitigationStatus": [],
        "threatInfo": _info(draws, threat_id, created, updated),
        "whiteningOptions": [],
    }


def _detection_section(draws: Draws, group: int) -> dict[str, Any]:
    return {
        "accountId": ACCOUNT_ID,
        "accountName": "Example Account",
        "agentDomain": "EXAMPLE",
        "agentIpV4": f"198.51.100.{draws.between(1, 254)}",
        "agentIpV6": draws.pick(("", f"2001:db8::{draws.between(1, 999)}")),
        "agentLastLoggedInUserName": f"user{draws.between(1, 300)}",
        "agentOsName": draws.pick(("Windows 11 Pro", "Windows Server 2022", "Ubuntu")),
        "agentUuid": draws.hexadecimal(32),
        "externalIp": f"203.0.113.{draws.between(1, 254)}",
        "groupId": GROUP_IDS[group],
        "siteId": SITE_IDS[group % 2],
        "siteName": f"Example site {group % 2 + 1}",
    }


def _realtime_section(draws: Draws, group: int) -> dict[str, Any]:
    number = draws.between(1, 250)
    return {
        "accountId": ACCOUNT_ID,
        "agentComputerName": f"HOST-{number:04d}",
        "agentId": str(1_700_000_000_000_000_000 + number),
        "groupId": GROUP_IDS[group],
        "networkInterfaces": [],
        "siteId": SITE_IDS[group % 2],
    }


def _info(draws: Draws, threat_id: str, created: int, updated: int) -> dict[str, Any]:
    stem, extension, classification = draws.pick(_FILES)
    early = draws.between(HOUR, 20 * HOUR) if draws.chance(0.03) else draws.between(100_000, 3 * SECOND)
    key, title, detection_type = draws.pick(_ENGINES)
    info: dict[str, Any] = {
        **_UNTOUCHED,
        "classification": classification,
        "classificationSource": "Static" if detection_type == "static" else "Behavioral",
        "confidenceLevel": draws.weighted((("malicious", 7.0), ("suspicious", 3.0))),
        "createdAt": format_us(created),
        "updatedAt": format_us(updated),
        "identifiedAt": format_us(created - early),
        "detectionEngines": [{"key": key, "title": title}],
        "detectionType": detection_type,
        "engines": [title],
        "filePath": f"\\Device\\HarddiskVolume1\\Temp\\{stem}.{extension}",
        "fileSize": draws.between(900, 4_000_000),
        "initiatedBy": draws.pick(("agent_policy", "full_disk_scan", "cloud_detection")),
        "mitigationStatus": draws.pick(("mitigated", "not_mitigated")),
        "storyline": draws.hexadecimal(16).upper(),
        "threatId": threat_id,
        "threatName": f"{stem}-{draws.between(1, 99)}.{extension}",
    }
    give_hashes(draws, info)
    return info


_UNTOUCHED: Final = {
    "analystVerdict": "undefined",
    "externalTicketId": None,
    "incidentStatus": "unresolved",
    "isFileless": False,
    "md5": None,
    "sha1": None,
    "sha256": None,
    "originatorProcess": "explorer.exe",
    "processUser": "EXAMPLE\\user",
    "publisherName": "",
}
