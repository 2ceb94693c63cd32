"""The evidence of an alert, and its indicators. Source: Microsoft Graph v1.0, alertEvidence and its kinds.

One file can be in the evidence as a file, a process, and a hash, with another of its hashes each: it is one indicator,
with the best hash. An Authenticode hash (sha256ac) is not the hash of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from ci_operators.core.indicator import is_trivial_hash, read_hash
from ci_operators.core.verdict import Note
from ci_operators.sources.indicators import Named

#: Note code -> its meaning.
NOTES = {"other_evidence": "Evidence of a kind that this source does not read was left out."}
#: Kinds that never have an indicator: nothing is left out.
_WITHOUT = frozenset(
    ("azureResource", "blob", "cloudApplication", "cloudLogonSession", "device", "hostLogonSession", "mailCluster",
     "mailbox", "malware", "oauthApplication", "registryKey", "registryValue", "securityGroup", "servicePrincipal",
     "user")
)  # fmt: skip
#: Kinds with a file -> its member.
_FILES = {"file": "fileDetails", "process": "imageFile"}


class File(Struct, frozen=True, gc=False):
    """A file's hashes; usually one or two of them are null."""

    sha256: str | None = None
    sha1: str | None = None
    md5: str | None = None

    @property
    def hashes(self) -> list[tuple[str, str]]:
        """Return the well-formed hashes, each after its member: the best first, placeholders last."""
        texts = (("sha256", self.sha256), ("sha1", self.sha1), ("md5", self.md5))
        found = [(kind, value) for kind, text in texts if (value := read_hash(kind, text))]
        return sorted(found, key=lambda each: is_trivial_hash(each[1]))


class Evidence(Struct, frozen=True, gc=False, rename={"type": "@odata.type"}):
    """One item; its type ("#microsoft.graph.security.fileEvidence") determines its members."""

    type: str | None = None
    verdict: str | None = None
    fileDetails: File | None = None  # Graph's spelling, here and below
    imageFile: File | None = None
    algorithm: str | None = None
    value: str | None = None
    url: str | None = None
    ipAddress: str | None = None
    domainName: str | None = None
    urls: list[str | None] | None = None
    senderIp: str | None = None

    @property
    def kind(self) -> str:
        """Return the kind of evidence in its type: "file"."""
        return (self.type or "").rpartition(".")[2].removesuffix("Evidence")


def list_indicators(items: Sequence[Evidence], note: Note) -> Iterator[Named]:
    """Yield the indicators of evidence; note evidence that has none."""
    named, best = list[Named](), dict[str, str]()  # best: a hash of a file -> the best hash of the same file
    for item in items:
        kind = item.kind
        if read := _READERS.get(kind):
            named += read(item)
        elif member := _FILES.get(kind):
            hashes = (getattr(item, member) or File()).hashes or [(kind, "")]
            chosen, value = hashes[0]
            named.append((f"{member}.{chosen}", "hash", value))
            best |= {other: value for _, other in hashes if len(value) >= len(best.get(other, ""))}
        elif kind not in _WITHOUT:
            note("other_evidence")
    for field, word, text in named:
        if not (text or "").strip():
            note("unusable_indicator")
        elif best.get(text or "", text) == text:
            yield f"evidence.{field}", word, text


def _read_hash(item: Evidence) -> list[Named]:
    kind = (item.algorithm or "").lower()
    return [("value", "hash", read_hash(kind, item.value) if kind in ("sha256", "sha1", "md5") else None)]


_READERS: dict[str, Callable[[Evidence], list[Named]]] = {
    "fileHash": _read_hash,
    "url": lambda item: [("url", "url", item.url)],
    "ip": lambda item: [("ipAddress", "ip", item.ipAddress)],
    "dns": lambda item: [("domainName", "domain", item.domainName)],
    "analyzedMessage": lambda item: [
        *(("urls", "url", url) for url in item.urls or ()),
        *([("senderIp", "ip", item.senderIp)] if item.senderIp or not item.urls else []),
    ],
}
