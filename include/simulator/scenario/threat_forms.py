"""The forms in which threats carry (or lack) a hash, changed in place on a freshly made threat."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

from simulator.scenario.draws import Draws

Form = Callable[[Draws, dict[str, Any]], None]
_NEWLINE_SHA1: Final = hashlib.sha1(b"\n", usedforsecurity=False).hexdigest()
_NEWLINE_SHA256: Final = hashlib.sha256(b"\n").hexdigest()


def _both_hashes(draws: Draws, info: dict[str, Any]) -> None:
    info.update(sha256=draws.hexadecimal(64), sha1=draws.hexadecimal(40))


def _all_hashes(draws: Draws, info: dict[str, Any]) -> None:
    info.update(sha256=draws.hexadecimal(64), sha1=draws.hexadecimal(40), md5=draws.hexadecimal(32))


def _sha1_only(draws: Draws, info: dict[str, Any]) -> None:
    info.update(sha1=draws.hexadecimal(40))


def _md5_only(draws: Draws, info: dict[str, Any]) -> None:
    for name in ("sha1", "sha256"):
        del info[name]
    info.update(md5=draws.hexadecimal(32))


def _upper_case(draws: Draws, info: dict[str, Any]) -> None:
    info.update(sha256=draws.hexadecimal(64).upper(), sha1=draws.hexadecimal(40).upper())


def _fileless(draws: Draws, info: dict[str, Any]) -> None:
    info.update(
        sha1="", isFileless=True, fileSize=0, filePath="", fileExtension="", detectionType="dynamic",
        threatName="cmd.exe (interactive session)", initiatedBy=draws.pick(("star_active", "star_manual")),
        detectionEngines=[{"key": "manual", "title": "Manual"}], engines=["Manual"],
    )  # fmt: skip


def _command_line(draws: Draws, info: dict[str, Any]) -> None:
    sha1 = draws.hexadecimal(40)
    info.update(sha1=sha1, fileSize=0, threatName=f"powershell.exe (CLI {sha1[:4]})", detectionType="dynamic")


def _trivial_content(draws: Draws, info: dict[str, Any]) -> None:
    info.update(
        sha1=_NEWLINE_SHA1,
        sha256=_NEWLINE_SHA256,
        fileSize=1,
        threatName=f"php{draws.hexadecimal(6)}",
        fileExtension="",
    )


def _no_hash(draws: Draws, info: dict[str, Any]) -> None:
    info.update(sha1=None, threatName=f"registry-run-key-{draws.between(1, 9)}")


_FORMS: Final[tuple[tuple[Form, float], ...]] = (
    (_both_hashes, 42.0),
    (_all_hashes, 8.0),
    (_sha1_only, 22.0),
    (_md5_only, 4.0),
    (_upper_case, 2.0),
    (_fileless, 7.0),
    (_command_line, 7.0),
    (_trivial_content, 3.0),
    (_no_hash, 2.0),
)


def give_hashes(draws: Draws, info: dict[str, Any]) -> None:
    """Gives a `threatInfo` its hashes in one of the forms seen in real threats."""
    draws.weighted(_FORMS)(draws, info)


def flattened(threat: dict[str, Any]) -> dict[str, Any]:
    """Returns the threat in the flat form of the old API version, which has no `threatInfo`."""
    info = threat["threatInfo"]
    return {
        "id": threat["id"],
        "agentId": threat["agentRealtimeInfo"]["agentId"],
        "classification": info["classification"],
        "createdAt": info["createdAt"],
        "createdDate": info["createdAt"],
        "fileContentHash": info.get("sha1"),
        "fileSha256": info.get("sha256"),
        "indicators": [],
        "mitigationStatus": info["mitigationStatus"],
        "siteId": threat["agentDetectionInfo"]["siteId"],
        "threatName": info["threatName"],
        "updatedAt": info["updatedAt"],
    }
