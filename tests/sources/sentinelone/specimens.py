"""SentinelOne threats and unified alerts, in the format of their APIs; hosts, people and ids are invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from ci_operators.core.instant import format_instant
from ci_operators.sources.sentinelone.alerts_api import ALERTS_PATH
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from ci_operators.sources.sentinelone.source import SOURCE
from tests.sources.specimens import Specimen, Specimens
from tests.vendor_cases import SENTINELONE

THREAT_ID = "2100000000000000001"
ALERT_ID = "019db24c-8b6d-7451-8697-b1b2e1a270f1"
SHA1 = "a9993e364706816aba3e25717850c26c9cd0d89d"
SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
NEWLINE_SHA1 = "adc83b19e793491b1c6ea0fd8b46cd9f32e592fc"


def threat_info(**changes: Any) -> dict[str, Any]:
    """Return a threat information section; a change replaces a member, `...` removes it."""
    info: dict[str, Any] = {
        "analystVerdict": "undefined",
        "classification": "Trojan",
        "confidenceLevel": "malicious",
        "createdAt": "2026-03-10T11:30:01.123456Z",
        "filePath": "\\Device\\HarddiskVolume1\\Temp\\invoice.exe",
        "fileSize": 4096,
        "identifiedAt": "2026-03-10T11:30:00.500000Z",
        "isFileless": False,
        "md5": None,
        "mitigationStatus": "mitigated",
        "processUser": "EXAMPLE\\alice",
        "sha1": SHA1,
        "sha256": SHA256,
        "threatId": THREAT_ID,
        "threatName": "invoice.exe",
        "updatedAt": "2026-03-10T11:30:01.120000Z",
    }
    return {key: value for key, value in {**info, **changes}.items() if value is not ...}


def indicators(*techniques: Any, tactic: str | None = "Defense Evasion") -> list[dict[str, Any]]:
    """Return the indicators of a threat: one behavior, one tactic, these techniques."""
    return [
        {
            "category": "Evasion",
            "description": "Code injection",
            "ids": [123],
            "tactics": [{"name": tactic, "source": "MITRE", "techniques": list(techniques)}],
        }
    ]


def technique(name: str) -> dict[str, str]:
    """Return a technique as SentinelOne writes it."""
    return {"name": name, "link": f"https://attack.mitre.org/techniques/{name.replace('.', '/')}/"}


def threat(**changes: Any) -> dict[str, Any]:
    """Return a threat; `info` changes its section, any other change replaces a member, `...` removes it."""
    info = changes.pop("info", {})
    whole: dict[str, Any] = {
        "agentDetectionInfo": {"siteId": "1800000000000000101", "agentIpV4": "198.51.100.20", "agentIpV6": ""},
        "id": THREAT_ID,
        "indicators": indicators(technique("T1055.012"), technique("T1106")),
        "mitigationStatus": [],
        "threatInfo": threat_info(**info),
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not ...}


def flat_threat() -> dict[str, Any]:
    """Return a threat in the flat form of API v2.0, which has no threat information section."""
    return {
        "id": THREAT_ID,
        "classification": "Trojan",
        "createdAt": "2026-03-10T11:30:01.123456Z",
        "fileContentHash": SHA1,
        "threatName": "invoice.exe",
    }


def attack(uid: str | None, tactic: str | None = "Defense Evasion", link: str | None = None) -> dict[str, Any]:
    """Return an attack of an alert's indicator; without an id, it is only a tactic."""
    technique = {"uid": uid, "name": None, "sourceUrl": link} if uid or link else None
    return {"tactic": {"uid": None, "name": tactic}, "technique": technique}


def alert(**changes: Any) -> dict[str, Any]:
    """Return an alert that is also a threat, with its details; a change replaces a member, `...` removes it.

    `hashes` and `attacks` set the members that hold them.
    """
    hashes = changes.pop("hashes", {"sha256": SHA256, "sha1": SHA1, "md5": None})
    attacks = changes.pop("attacks", [attack("T1055.012"), attack("T1106")])
    whole: dict[str, Any] = {
        "id": ALERT_ID,
        "externalId": THREAT_ID,
        "name": "invoice.exe",
        "classification": "TROJAN",
        "analystVerdict": "UNDEFINED",
        "confidenceLevel": "MALICIOUS",
        "severity": "HIGH",
        "status": "NEW",
        "detectedAt": "2026-03-10T11:30:00.500Z",
        "createdAt": "2026-03-10T11:30:01.123Z",
        "updatedAt": "2026-03-10T11:30:01.123Z",
        "detectionSource": {"product": "EDR", "vendor": "SentinelOne"},
        "process": {"file": hashes},
        "indicators": [{"attacks": attacks}],
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not ...}


def read_id(event: Any) -> str | None:
    """Return the threat's or the alert's id."""
    if not isinstance(event, dict):
        return None
    ids = ((event.get("threatInfo") or {}).get("threatId"), event.get("externalId"), event.get("id"))
    return next((each for each in ids if each and each != "N/A"), None)


def _make_event(instant: datetime, number: int) -> dict[str, Any]:
    written = format_instant(instant)
    info = {"threatId": f"{number:019d}", "sha1": SHA1, "createdAt": written, "updatedAt": written}
    return {"id": info["threatId"], "threatInfo": info}


def _make_alert(instant: datetime, number: int) -> dict[str, Any]:
    written = format_instant(instant)
    times = {"detectedAt": written, "createdAt": written, "updatedAt": written}
    return alert(id=f"{number:08x}-0000-4000-8000-000000000000", externalId=f"{number:019d}", indicators=..., **times)


ON_ALERTS = {"surface": "unified_alerts"}
ON_THREATS = {"surface": "threats"}

SPECIMENS = Specimens(
    source=replace(SOURCE, api=SOURCE.api_for(SentinelOneConnector(name="acme"))),
    case=SENTINELONE,
    kept={
        "two hashes and two techniques": Specimen(threat()),
        "sha1 alone": Specimen(threat(info={"sha256": None})),
        "a verified threat": Specimen(
            threat(info={"analystVerdict": "true_positive"}), {"only_analyst_verified": True, "false_positives": "drop"}
        ),
        "the least of a threat": Specimen(_make_event(datetime.fromisoformat("2026-03-10T11:30:00Z"), 1)),
    },
    dropped={
        "missing_threat_info": Specimen(flat_threat()),
        "third_party_alert": Specimen(alert(detectionSource={"vendor": "Example Mail"}), ON_ALERTS),
        "no_usable_hash": Specimen(threat(info={"sha1": "", "sha256": None})),
        "not_analyst_verified": Specimen(threat(), {"only_analyst_verified": True}),
        "false_positive": Specimen(threat(info={"analystVerdict": "false_positive"}), {"false_positives": "drop"}),
        "command_line_hash": Specimen(
            threat(info={"threatName": "powershell.exe (CLI a999)"}), {"command_line_hashes": "drop"}
        ),
        "trivial_hash": Specimen(threat(info={"sha256": None, "sha1": NEWLINE_SHA1}), {"trivial_hashes": "drop"}),
    },
    quarantined={
        "event_not_an_object": Specimen("Alice Example"),
        "missing_event_id": Specimen(threat(id=..., info={"threatId": None})),
        "missing_timestamp": Specimen(threat(info={"identifiedAt": None, "createdAt": ""})),
        "unreadable_timestamp": Specimen(threat(info={"identifiedAt": "yesterday at noon", "createdAt": "noon"})),
        "indicator_not_a_hash": Specimen(threat(info={"sha1": "", "sha256": None})),
    },
    noted={
        "unknown_technique": Specimen(threat(indicators=indicators({"name": "T9999", "link": "https://example.com/"}))),
        "replaced_technique": Specimen(threat(indicators=indicators(technique("T1086")))),
        "withdrawn_technique": Specimen(threat(indicators=indicators(technique("T1064")))),
        "unknown_tactic": Specimen(threat(indicators=indicators(tactic="Mischief"))),
        "no_tactics": Specimen(threat(indicators=[{"category": "Static", "tactics": []}])),
        "no_details": Specimen(alert(indicators=...), ON_ALERTS),
        "timestamp_replaced": Specimen(threat(info={"identifiedAt": "yesterday at noon"})),
        "timestamp_without_zone": Specimen(threat(info={"identifiedAt": "2026-03-10T11:30:00"})),
    },
    make_event=_make_event,
    read_id=read_id,
)

#: The same for the other API. Its pages have no details, so a page takes one request.
ALERTS = Specimens(
    source=replace(SOURCE, api=SOURCE.api_for(SentinelOneConnector(name="acme", surface="unified_alerts"))),
    case=SENTINELONE,
    options={**ON_ALERTS, "details_per_page": 0},
    reading_posts=frozenset({ALERTS_PATH}),
    kept={
        "two hashes and two techniques": Specimen(alert()),
        "no threat": Specimen(alert(externalId="N/A", detectionSource={"product": "STAR", "vendor": "SentinelOne"})),
        "md5 alone": Specimen(alert(hashes={"md5": "900150983cd24fb0d6963f7d28e17f72"})),
        "a verified alert": Specimen(
            alert(analystVerdict="TRUE_POSITIVE_RANSOMWARE"), {"only_analyst_verified": True, "false_positives": "drop"}
        ),
        "the least of an alert": Specimen(_make_alert(datetime.fromisoformat("2026-03-10T11:30:00Z"), 1)),
    },
    dropped={
        "missing_threat_info": Specimen(flat_threat(), ON_THREATS),
        "third_party_alert": Specimen(alert(detectionSource={"vendor": "Example Mail"})),
        "no_usable_hash": Specimen(alert(process=None)),
        "not_analyst_verified": Specimen(alert(analystVerdict="TRUE_POSITIVE_BENIGN"), {"only_analyst_verified": True}),
        "false_positive": Specimen(alert(analystVerdict="FALSE_POSITIVE_USER_ERROR"), {"false_positives": "drop"}),
        "command_line_hash": Specimen(alert(name="powershell.exe (CLI a999)"), {"command_line_hashes": "drop"}),
        "trivial_hash": Specimen(alert(hashes={"sha1": NEWLINE_SHA1}), {"trivial_hashes": "drop"}),
    },
    quarantined={
        "event_not_an_object": Specimen("Alice Example"),
        "missing_event_id": Specimen(alert(id=..., externalId="N/A")),
        "missing_timestamp": Specimen(alert(detectedAt=None, createdAt="")),
        "unreadable_timestamp": Specimen(alert(detectedAt="yesterday at noon", createdAt="noon")),
        "indicator_not_a_hash": Specimen(alert(process=None)),
    },
    noted={
        "unknown_technique": Specimen(alert(attacks=[attack("T9999")])),
        "replaced_technique": Specimen(alert(attacks=[attack("T1086")])),
        "withdrawn_technique": Specimen(alert(attacks=[attack("T1064")])),
        "unknown_tactic": Specimen(alert(attacks=[attack(None, "Mischief")])),
        "no_tactics": Specimen(alert(attacks=[])),
        "no_details": Specimen(alert(indicators=...)),
        "timestamp_replaced": Specimen(alert(detectedAt="yesterday at noon")),
        "timestamp_without_zone": Specimen(alert(detectedAt="2026-03-10T11:30:00")),
    },
    make_event=_make_alert,
    read_id=read_id,
)

SURFACES = (SPECIMENS, ALERTS)
