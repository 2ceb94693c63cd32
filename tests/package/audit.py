"""Holds the pinned requirements against the published advisories: `make audit`.

A vulnerability fails, unless it is ignored below. Where the advisories cannot be reached it says so and passes: an
outage elsewhere is no reason to stop. All else that goes wrong fails.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from tests.airflow_home import ROOT

#: Seconds for all of it: CI must not hang.
LIMIT_S = 180
COMMAND = ("--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off", "--timeout", "15")
#: How the tool ends, with a trace, when nobody answers it or a server is in trouble.
_UNREACHABLE = re.compile(
    r"^requests\.exceptions\.(ConnectionError|ProxyError|ConnectTimeout|ReadTimeout|ChunkedEncodingError)\b"
    r"|Could not connect to .*vulnerability feed|\b5\d\d Server Error",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Ignored:
    """An advisory that does not matter here, why, and until when that is believed."""

    advisory: str
    reason: str
    until: date


IGNORED: tuple[Ignored, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What came of an audit."""

    kind: Literal["clean", "vulnerable", "unreachable", "broken"]
    words: str

    @property
    def status(self) -> int:
        """Return the exit status."""
        return 0 if self.kind in ("clean", "unreachable") else 1


def main() -> int:
    """Audit, tell what came of it, return an exit status."""
    verdict = audit(datetime.now(UTC).date())
    sys.stdout.write(f"Audit of requirements-lock.txt: {verdict.words}\n")
    return verdict.status


def audit(today: date) -> Verdict:
    """Return what the advisories say of the lock, which holds all that requirements.txt pins."""
    command = [sys.executable, "-m", "pip_audit", *COMMAND, "-r", str(ROOT / "requirements-lock.txt")]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)  # noqa: S603
    except subprocess.TimeoutExpired:
        return unreachable(f"no answer within {LIMIT_S} s")
    return judge(done.stdout, done.stderr, IGNORED, today)


def judge(output: str, errors: str, ignored: Iterable[Ignored], today: date) -> Verdict:
    """Return what the tool's output means."""
    try:
        dependencies = json.loads(output)["dependencies"]
        skipped = [each["name"] for each in dependencies if "skip_reason" in each]
        found = [_Vulnerability.of(each["name"], one) for each in dependencies for one in each.get("vulns", ())]
    except (ValueError, LookupError, TypeError, AttributeError):
        if outage := _UNREACHABLE.search(errors):
            return unreachable(outage[0])
        return Verdict("broken", f"pip-audit has failed: {(errors or output).strip()[-1500:] or 'it says nothing'}")
    valid = {each.advisory for each in ignored if each.until >= today}
    open_ones = [each for each in found if not valid & set(each.names)]
    if open_ones:
        return Verdict("vulnerable", "\n  ".join(["vulnerable:", *map(str, open_ones)]))
    if dependencies and len(skipped) == len(dependencies):
        return unreachable("the index in use knows no advisories")
    if skipped or not dependencies:
        return Verdict("broken", f"not audited: {', '.join(skipped) or 'anything'}")
    return Verdict("clean", f"{len(dependencies)} packages, no known vulnerability, {len(found)} ignored.")


def unreachable(because: str) -> Verdict:
    """Return the verdict for when nobody knows."""
    return Verdict(
        "unreachable", f"NOT DONE, the advisories cannot be reached ({because}). Run `make audit` elsewhere."
    )


@dataclass(frozen=True)
class _Vulnerability:
    package: str
    names: Sequence[str]
    fixed_in: Sequence[str]

    @classmethod
    def of(cls, package: str, told: dict[str, Any]) -> _Vulnerability:
        return cls(package, (told["id"], *told["aliases"]), told["fix_versions"])

    def __str__(self) -> str:
        return f"{self.package}: {', '.join(self.names)}; fixed in {', '.join(self.fixed_in) or 'no version'}"


if __name__ == "__main__":
    sys.exit(main())
