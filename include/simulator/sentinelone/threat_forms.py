"""The forms in which threats carry (or lack) a hash, and their old flat form."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from simulator.draws import Draws

_NEWLINE: Final = {
    "sha1": hashlib.sha1(b"\n", usedforsecurity=False).hexdigest(),
    "sha256": hashlib.sha256(b"\n").hexdigest(),
}
_DIGITS: Final = {"md5": 32, "sha1": 40, "sha256": 64}
_FORMS: Final = (
    (("sha1", "sha256"), 42.0),
    (("sha1", "sha256", "md5"), 8.0),
    (("sha1",), 22.0),
    ("md5 alone", 4.0),
    ("upper case", 2.0),
    ("fileless", 7.0),
    ("command line", 7.0),
    ("trivial content", 3.0),
    ("none", 2.0),
)


def give_hashes(draws: Draws, info: dict[str, Any]) -> None:
    """Give a `threatInfo` its hashes in one of the forms seen in real threats."""
    form = draws.weighted(_FORMS)
    drawn = {name: draws.hexadecimal(digits) for name, digits in _DIGITS.items()}
    if not isinstance(form, str):
        info.update({name: drawn[name] for name in form})
    elif form == "md5 alone":
        del info["sha1"], info["sha256"]
        info["md5"] = drawn["md5"]
    elif form == "upper case":
        info.update(sha1=drawn["sha1"].upper(), sha256=drawn["sha256"].upper())
    elif form == "fileless":
        info.update(sha1="", isFileless=True, fileSize=0, filePath="", threatName="cmd.exe (interactive session)")
    elif form == "command line":
        info.update(sha1=drawn["sha1"], fileSize=0, threatName=f"powershell.exe (CLI {drawn['sha1'][:4]})")
    elif form == "trivial content":
        info.update(_NEWLINE, fileSize=1, threatName=f"php{draws.hexadecimal(6)}")
    else:
        info["threatName"] = f"registry-run-key-{draws.between(1, 9)}"


def flattened(threat: dict[str, Any]) -> dict[str, Any]:
    """Return the threat in the flat form of the old API version, which has no `threatInfo`."""
    info = threat["threatInfo"]
    kept = ("classification", "createdAt", "mitigationStatus", "threatName", "updatedAt")
    return {
        "id": threat["id"],
        "agentId": threat["agentRealtimeInfo"]["agentId"],
        "createdDate": info["createdAt"],
        "fileContentHash": info.get("sha1"),
        "fileSha256": info.get("sha256"),
        "indicators": [],
        "siteId": threat["agentDetectionInfo"]["siteId"],
        **{name: info[name] for name in kept},
    }
