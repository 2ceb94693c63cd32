"""Falcon alerts in the format of the Alerts API; hosts, people and ids are invented."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ci_operators.core.instant import format_instant
from ci_operators.core.window import Window
from ci_operators.sources.crowdstrike.api import ALERTS_PATH, TOKEN_PATH, fetch
from ci_operators.sources.crowdstrike.options import CrowdStrikeConnector
from ci_operators.sources.crowdstrike.source import SOURCE
from simulator.crowdstrike.tokens import CLIENT_ID, SECRET, SECRET_WITHOUT_SCOPE
from tests.sources.specimens import Specimen, Specimens
from tests.vendor_cases import WINDOW, VendorCase

CID = "51a0c8a7e0014d2f9b6e3c5d7a8f0000"
ALERT_ID = f"{CID}:ind:c36c42b64ce54b39a32e1d5724070401:625985642593750673-20151-7049"
SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
OTHER_SHA256 = "6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090"
MD5 = "900150983cd24fb0d6963f7d28e17f72"
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def ioc(kind: str | None, value: str | None, **more: Any) -> dict[str, Any]:
    """Return an entry of ioc_context."""
    return {"ioc_type": kind, "ioc_value": value, "ioc_source": "library_load", **more}


def technique(technique_id: str | None, tactic_id: str | None = "TA0002") -> dict[str, Any]:
    """Return an entry of mitre_attack."""
    return {"pattern_id": 20151, "tactic_id": tactic_id, "technique_id": technique_id}


def alert(**changes: Any) -> dict[str, Any]:
    """Return an alert with one hash; a change replaces a member, `...` removes it."""
    event: dict[str, Any] = {
        "composite_id": ALERT_ID,
        "id": ALERT_ID.partition(":")[2],
        "cid": CID,
        "product": "epp",
        "type": "ldt",
        "display_name": "MaliciousFileWritten",
        "description": "A process wrote a file that Falcon knows as malicious.",
        "severity": 70,
        "severity_name": "High",
        "confidence": 80,
        "status": "new",
        "timestamp": "2026-03-10T11:29:58.988Z",
        "created_timestamp": "2026-03-10T11:30:00.231503572Z",
        "updated_timestamp": "2026-03-10T11:30:00.231503572Z",
        "mitre_attack": [technique("T1204")],
        "technique_id": "T1204",
        "tactic_id": "TA0002",
        "sha1": "0" * 40,
        "sha256": OTHER_SHA256,
        "ioc_context": [ioc("hash_sha256", SHA256, sha256=SHA256, md5=MD5, ioc_description="C:\\Users\\alice\\a.exe")],
        "device": {"hostname": "LAPTOP-ALICE", "external_ip": "198.51.100.20"},
        "user_name": "alice",
        "cmdline": "cmd.exe /c a.exe",
    }
    return {key: value for key, value in {**event, **changes}.items() if value is not ...}


def bare_alert(**changes: Any) -> dict[str, Any]:
    """Return an alert without evidence."""
    return alert(**{"ioc_context": [], "sha256": ..., **changes})


def read_id(event: Any) -> str | None:
    """Return the alert's composite id."""
    return (event.get("composite_id") or event.get("id")) if isinstance(event, dict) else None


def make_event(instant: datetime, number: int) -> dict[str, Any]:
    """Return a minimal alert, created at an instant."""
    written = format_instant(instant)
    return {
        "composite_id": f"{CID}:ind:{number:06d}",
        "product": "epp",
        "timestamp": written,
        "created_timestamp": written,
        "updated_timestamp": written,
        "ioc_type": "hash_sha256",
        "ioc_value": SHA256,
    }


def _fetch(client: Any, window: Window = WINDOW) -> list[Any]:
    return list(fetch(client, CrowdStrikeConnector(name="acme"), window))


CASE = VendorCase("crowdstrike", SOURCE.api, SECRET, SECRET_WITHOUT_SCOPE, _fetch, {"client_id": CLIENT_ID})
SPECIMENS = Specimens(
    source=SOURCE,
    case=CASE,
    kept={
        "a hash of an IOC entry": Specimen(alert()),
        "several indicators": Specimen(
            alert(
                ioc_context=[ioc("hash_sha256", SHA256), ioc("domain", "c2.example.org")],
                ioc_type="ipv4",
                ioc_value="203.0.113.7,198.51.100.7",
                ioc_values=["203.0.113.8"],
                quarantined_files=[{"filename": "a.exe", "sha256": OTHER_SHA256, "state": "quarantined"}],
            )
        ),
        "the acting process by option": Specimen(alert(ioc_context=[]), {"process_hashes": "send"}),
        "a verified alert": Specimen(alert(resolution="true_positive"), {"only_analyst_verified": True}),
        "the least of an alert": Specimen(make_event(datetime.fromisoformat("2026-03-10T11:30:00Z"), 1)),
    },
    dropped={
        "other_product": Specimen(alert(product="idp")),
        "low_severity": Specimen(alert(severity=30), {"min_severity": 50}),
        "low_confidence": Specimen(alert(confidence=None), {"min_confidence": 1}),
        "not_analyst_verified": Specimen(alert(), {"only_analyst_verified": True}),
        "false_positive": Specimen(alert(resolution="false_positive"), {"false_positives": "drop"}),
        "process_hash_only": Specimen(alert(ioc_context=[])),
        "excluded_indicators": Specimen(
            alert(ioc_context=[ioc("ipv4", "10.0.0.7"), ioc("hash_sha256", EMPTY_SHA256)]),
            {"private_addresses": "drop", "trivial_hashes": "drop"},
        ),
        "no_indicators": Specimen(bare_alert()),
    },
    quarantined={
        "event_not_an_object": Specimen(["alice"]),
        "missing_event_id": Specimen(alert(composite_id=None, id=...)),
        "missing_timestamp": Specimen(alert(timestamp=None, created_timestamp=None)),
        "unreadable_timestamp": Specimen(alert(timestamp="at noon", created_timestamp=None)),
        "no_usable_indicator": Specimen(bare_alert()),
    },
    noted={
        "unusable_indicator": Specimen(alert(ioc_type="filename", ioc_value="invoice.com")),
        "excluded_indicator": Specimen(
            alert(ioc_type="ipv4", ioc_value="10.0.0.7"), {"private_addresses": "drop", "trivial_hashes": "drop"}
        ),
        "own_technique": Specimen(alert(mitre_attack=[technique("CST0002", "CSTA0006")])),
        "unknown_technique": Specimen(alert(mitre_attack=[technique("T9999")])),
        "no_technique": Specimen(alert(mitre_attack=[], technique_id=None, tactic_id="")),
        "replaced_technique": Specimen(alert(mitre_attack=[technique("T1086")])),
        "withdrawn_technique": Specimen(alert(mitre_attack=[technique("T1064")])),
        "timestamp_replaced": Specimen(alert(timestamp="yesterday at noon")),
        "timestamp_without_zone": Specimen(alert(timestamp="2026-03-10T11:29:58")),
    },
    make_event=make_event,
    read_id=read_id,
    token_path=TOKEN_PATH,
    reading_posts=frozenset({ALERTS_PATH}),
)
