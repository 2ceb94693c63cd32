"""Evidence of alerts in the forms of real evidence (shape: Microsoft Graph, alertEvidence and its kinds)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from simulator.draws import Draws

_TYPE: Final = "#microsoft.graph.security."
#: Addresses of AS112: globally reachable, and used by nobody (RFC 7534, RFC 7535).
_NETWORKS: Final = ("192.175.48", "192.31.196")
_PRIVATE: Final = ("10.20.30.40", "127.0.0.1", "192.168.1.77", "169.254.9.9", "fe80::1")
_PLACEHOLDERS: Final = ("", "0" * 64, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
_STEMS: Final = ("invoice", "update", "loader", "report")
_FORMS: Final = (
    ("file", 24.0), ("file thrice", 10.0), ("process", 16.0), ("system process", 8.0), ("url", 14.0), ("address", 12.0),
    ("private address", 6.0), ("local url", 3.0), ("mail", 8.0), ("domain", 4.0), ("placeholder", 3.0),
    ("authenticode", 1.0), ("unknown kind", 2.0), ("user alone", 4.0),
)  # fmt: skip


def draw_evidence(draws: Draws, created: str) -> list[dict[str, Any]]:
    """Return the evidence of one alert when the alert is created: usually without a verdict."""
    items = [_device(draws), _user(draws)]
    for _ in range(draws.between(1, 3)):
        items += _draw_items(draws, draws.weighted(_FORMS))
    return [{**_base(created), **item} for item in items]


def judge(evidence: list[dict[str, Any]], verdict: str) -> list[dict[str, Any]]:
    """Return the evidence after an investigation: devices, users, and system processes do not change."""
    untouched = ("deviceEvidence", "userEvidence")
    return [
        item if item["@odata.type"].endswith(untouched) or item.get("detectionStatus") == "context" else
        {**item, "verdict": verdict, "remediationStatus": "active"}
        for item in evidence
    ]  # fmt: skip


def _draw_items(draws: Draws, form: str) -> list[dict[str, Any]]:
    if form in _SIMPLE:
        return [_SIMPLE[form](draws)]
    if form == "mail":
        return [_mail(draws)]
    if form == "user alone":
        return []
    file = _file(draws)
    if form == "file thrice":  # as a file, as its process, and by its other hash
        other = {"@odata.type": f"{_TYPE}fileHashEvidence", "algorithm": "sha1", "value": file["sha1"]}
        return [_file_item(file), _process_item({**file, "sha256": None}), other]
    if form == "placeholder":
        return [_file_item({**file, "sha1": None, "sha256": draws.pick(_PLACEHOLDERS)})]
    if form == "authenticode":
        return [{"@odata.type": f"{_TYPE}fileHashEvidence", "algorithm": "sha256ac", "value": draws.hexadecimal(64)}]
    if form == "system process":
        return [{**_process_item({**file, "fileName": "powershell.exe"}), "detectionStatus": "context"}]
    return [_file_item(file) if form == "file" else _process_item(file)]


def _base(created: str) -> dict[str, Any]:
    return {
        "createdDateTime": created, "verdict": "unknown", "remediationStatus": "none",
        "remediationStatusDetails": None, "roles": [], "detailedRoles": [], "tags": [],
    }  # fmt: skip


def _file(draws: Draws) -> dict[str, Any]:
    has_sha256 = draws.chance(0.85)
    return {
        "sha1": draws.hexadecimal(40),
        "sha256": draws.hexadecimal(64) if has_sha256 else None,
        "md5": draws.hexadecimal(32) if draws.chance(0.1) else None,
        "fileName": f"{draws.pick(_STEMS)}-{draws.between(1, 99)}.exe",
        "filePath": f"C:\\Users\\user{draws.between(1, 300)}\\Downloads",
        "fileSize": draws.between(900, 9_000_000),
        "filePublisher": None,
        "signer": None,
        "issuer": None,
    }


def _file_item(file: dict[str, Any]) -> dict[str, Any]:
    return {"@odata.type": f"{_TYPE}fileEvidence", "detectionStatus": "detected", "fileDetails": file}


def _process_item(file: dict[str, Any]) -> dict[str, Any]:
    return {
        "@odata.type": f"{_TYPE}processEvidence",
        "detectionStatus": "detected",
        "processId": 4780,
        "parentProcessId": 668,
        "processCommandLine": f'"{file["fileName"]}" /quiet',
        "imageFile": file,
        "parentProcessImageFile": {"sha1": None, "sha256": None, "fileName": "services.exe"},
        "userAccount": {"accountName": "user", "domainName": "EXAMPLE", "userSid": "S-1-5-18"},
    }


def _address(draws: Draws) -> str:
    if draws.chance(0.1):
        return f"2620:4f:8000::{draws.between(1, 9999):x}"
    return f"{draws.pick(_NETWORKS)}.{draws.between(1, 254)}"


def _url(draws: Draws) -> str:
    return f"https://{draws.pick(('files', 'login', 'cdn'))}{draws.between(1, 60)}.example.net/{draws.hexadecimal(6)}"


def _mail(draws: Draws) -> dict[str, Any]:
    number = draws.between(1, 300)
    return {
        "@odata.type": f"{_TYPE}analyzedMessageEvidence",
        "subject": "Your invoice",
        "recipientEmailAddress": f"user{number}@example.com",
        "senderIp": draws.pick((None, _address(draws))),
        "urls": [_url(draws) for _ in range(draws.between(0, 4))] * draws.between(1, 2),
        "networkMessageId": draws.uuid(),
    }


def _device(draws: Draws) -> dict[str, Any]:
    return {
        "@odata.type": f"{_TYPE}deviceEvidence",
        "deviceDnsName": f"host-{draws.between(1, 250):04d}.corp.example.com",
        "ipInterfaces": [f"10.0.0.{draws.between(1, 254)}"],
        "mdeDeviceId": draws.hexadecimal(40),
        "loggedOnUsers": [],
    }


def _user(draws: Draws) -> dict[str, Any]:
    name = f"user{draws.between(1, 300)}"
    account = {"accountName": name, "domainName": "EXAMPLE", "userPrincipalName": f"{name}@example.com"}
    return {"@odata.type": f"{_TYPE}userEvidence", "userAccount": account, "stream": None}


_SIMPLE: Final[Mapping[str, Callable[[Draws], dict[str, Any]]]] = {
    "url": lambda draws: {"@odata.type": f"{_TYPE}urlEvidence", "url": _url(draws)},
    "local url": lambda draws: {"@odata.type": f"{_TYPE}urlEvidence", "url": "http://127.0.0.1/1.exe"},
    "address": lambda draws: {
        "@odata.type": f"{_TYPE}ipEvidence",
        "ipAddress": _address(draws),
        "countryLetterCode": None,
    },
    "private address": lambda draws: {"@odata.type": f"{_TYPE}ipEvidence", "ipAddress": draws.pick(_PRIVATE)},
    "domain": lambda draws: {
        "@odata.type": f"{_TYPE}dnsEvidence",
        "domainName": f"c{draws.between(1, 60)}.example.org",
        "hostIpAddress": {"ipAddress": "10.0.0.7"},
    },
    "unknown kind": lambda draws: {"@odata.type": f"{_TYPE}quantumEvidence", "spin": draws.between(0, 1)},
}
