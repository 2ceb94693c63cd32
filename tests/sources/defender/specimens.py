"""Alerts in the format of Microsoft Graph's alerts_v2; people, computers and ids are invented."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ci_operators.core.instant import format_instant
from ci_operators.sources.defender.source import SOURCE
from simulator.defender.api import TOKEN_PATH
from simulator.defender.tokens import CLIENT_ID, SECRET, SECRET_WITHOUT_CONSENT, TENANT_ID
from tests.sources.specimens import Specimen, Specimens
from tests.vendor_cases import VendorCase

ALERT_ID = "da637551227677560813_-961444813"
SHA1 = "a9993e364706816aba3e25717850c26c9cd0d89d"
SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
MD5 = "900150983cd24fb0d6963f7d28e17f72"
#: A globally reachable address without an owner (AS112).
ADDRESS = "192.175.48.7"
URL = "https://files.example.net/invoice"
VERIFIED = {"only_analyst_verified": True}


def evidence(kind: str, verdict: str | None = "malicious", **members: Any) -> dict[str, Any]:
    """Return an item of evidence."""
    base = {"createdDateTime": "2026-03-10T11:30:00.1234567Z", "verdict": verdict, "remediationStatus": "none"}
    return {"@odata.type": f"#microsoft.graph.security.{kind}Evidence", **base, "roles": [], "tags": [], **members}


def file_details(**changes: Any) -> dict[str, Any]:
    """Return a file with its hashes."""
    return {"sha1": SHA1, "sha256": SHA256, "md5": None, "fileName": "a.exe", "filePath": "C:\\Users\\alice", **changes}


def file(verdict: str | None = "malicious", **changes: Any) -> dict[str, Any]:
    """Return the evidence of a file."""
    return evidence("file", verdict, detectionStatus="detected", fileDetails=file_details(**changes))


def process(verdict: str | None = "malicious", **changes: Any) -> dict[str, Any]:
    """Return the evidence of a process."""
    account = {"accountName": "alice", "domainName": "EXAMPLE"}
    return evidence("process", verdict, processId=7, imageFile=file_details(**changes), userAccount=account)


def device() -> dict[str, Any]:
    """Return the evidence of a device, which usually has no verdict."""
    return evidence("device", "unknown", deviceDnsName="laptop-alice.corp.example.com", ipInterfaces=["10.0.0.7"])


def alert(*items: Any, **changes: Any) -> dict[str, Any]:
    """Return an alert with these items of evidence; a change replaces a member, `...` removes it."""
    whole: dict[str, Any] = {
        "@odata.type": "#microsoft.graph.security.alert",
        "id": ALERT_ID,
        "status": "new",
        "severity": "medium",
        "classification": None,
        "serviceSource": "microsoftDefenderForEndpoint",
        "detectionSource": "antivirus",
        "title": "Suspicious file launched",
        "assignedTo": "alice@example.com",
        "mitreTechniques": ["T1059.001", "T1204"],
        "createdDateTime": "2026-03-10T11:30:00.1234567Z",
        "lastUpdateDateTime": "2026-03-10T11:30:05.1234567Z",
        "evidence": [device(), *items],
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not ...}


def read_id(event: Any) -> str | None:
    """Return the alert's id."""
    return event.get("id") if isinstance(event, dict) else None


def make_event(instant: datetime, number: int) -> dict[str, Any]:
    """Return a kept alert of an instant, with its own number."""
    written = format_instant(instant)
    return {
        "id": f"da{number:06d}_-1",
        "createdDateTime": written,
        "lastUpdateDateTime": written,
        "evidence": [
            {"@odata.type": "#microsoft.graph.security.ipEvidence", "verdict": "malicious", "ipAddress": ADDRESS}
        ],
    }


SPECIMENS = Specimens(
    source=SOURCE,
    case=VendorCase(
        "defender",
        SOURCE.api,
        SECRET,
        SECRET_WITHOUT_CONSENT,
        SOURCE.api.check,
        extra={"tenant_id": TENANT_ID, "client_id": CLIENT_ID},
    ),
    token_path=TOKEN_PATH,
    kept={
        "a file": Specimen(alert(file())),
        "a file, its process and its hash": Specimen(
            alert(file(), process(sha256=None), evidence("fileHash", algorithm="sha1", value=SHA1))
        ),
        "every kind": Specimen(
            alert(
                process("suspicious", sha256=None, sha1=None, md5=MD5),
                evidence("fileHash", algorithm="sha256", value=SHA256),
                evidence("url", url=URL),
                evidence("ip", ipAddress=ADDRESS),
                evidence("dns", domainName="c2.example.org"),
                evidence("analyzedMessage", urls=[URL, "https://login.example.net/"], senderIp="192.31.196.9"),
            )
        ),
        "a true positive": Specimen(
            alert(file(), classification="truePositive"), {**VERIFIED, "false_positives": "drop"}
        ),
        "a private address": Specimen(alert(evidence("ip", ipAddress="10.0.0.9")), {"private_addresses": "send"}),
        "the least of an alert": Specimen(make_event(datetime.fromisoformat("2026-03-10T11:30:00Z"), 1)),
    },
    dropped={
        "not_analyst_verified": Specimen(alert(file()), VERIFIED),
        "false_positive": Specimen(alert(file(), classification="falsePositive"), {"false_positives": "drop"}),
        "no_evidence": Specimen(alert(evidence=[])),
        "other_verdict": Specimen(alert(file("unknown"))),
        "excluded_indicators": Specimen(alert(evidence("ip", ipAddress="10.0.0.9"))),
        "no_indicators": Specimen(alert(evidence("user", userAccount={"accountName": "alice"}))),
    },
    quarantined={
        "event_not_an_object": Specimen(["alice"]),
        "missing_event_id": Specimen(alert(file(), id=None)),
        "missing_timestamp": Specimen(alert(file(), createdDateTime=None)),
        "unreadable_timestamp": Specimen(alert(file(), createdDateTime="at noon")),
        "missing_indicator": Specimen(alert(file(sha1=None, sha256=""))),
    },
    noted={
        "timestamp_without_zone": Specimen(alert(file(), createdDateTime="2026-03-10T11:30:00")),
        "excluded_indicator": Specimen(alert(file(), evidence("url", url="http://127.0.0.1/1.exe"))),
        "unusable_indicator": Specimen(alert(file(), evidence("url", url="not a URL"))),
        "other_evidence": Specimen(alert(file(), evidence("quantum", spin=1))),
        "unknown_technique": Specimen(alert(file(), mitreTechniques=["T7"])),
        "replaced_technique": Specimen(alert(file(), mitreTechniques=["T1086"])),
        "withdrawn_technique": Specimen(alert(file(), mitreTechniques=["T1064"])),
        "no_techniques": Specimen(alert(file(), mitreTechniques=None)),
    },
    make_event=make_event,
    read_id=read_id,
)
