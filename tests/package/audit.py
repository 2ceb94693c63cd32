"""Checks the pinned requirements against the published advisories: `make audit`.

A vulnerability fails, unless it is ignored below. If the advisories are unreachable, it reports so and passes, since an
outage elsewhere must not stop the work. All other errors fail. The first request is for a pin that is known to be
vulnerable: an index without that advisory does not have the others either.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.airflow_home import ROOT

#: The requirements of development and tests, and those of the image.
LISTS = ("requirements-lock.txt", "requirements-image.txt")
#: Seconds for all of it: CI must not hang.
LIMIT_S = 900
#: Vulnerable since 2019: CVE-2019-10906.
CANARY = "jinja2==2.10"
COMMAND = ("--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off", "--timeout", "15")
#: The lines in which the tool reports why it ends. The last one counts; those before it are its causes.
_REASON = re.compile(r"^(?:requests\.exceptions\.|ERROR:pip_audit\._cli:(?!Tip: )).*", re.MULTILINE)
#: The reasons when no server answers or a server fails.
_OUTAGE = re.compile(
    r"requests\.exceptions\.(?:ConnectionError|ProxyError|ConnectTimeout|ReadTimeout|ChunkedEncodingError)\b"
    r"|requests\.exceptions\.HTTPError: 5\d\d Server Error"
    r"|ERROR:pip_audit\._cli:(?:Could not connect to .*vulnerability feed|PyPI is not redirecting properly)"
)
#: Audits the text of a requirements file; returns the tool's output and errors.
Ask = Callable[[str], tuple[str, str]]


@dataclass(frozen=True)
class Ignored:
    """An advisory that does not apply here, the reason, and the date until which it is ignored."""

    advisory: str
    reason: str
    until: date


IGNORED: tuple[Ignored, ...] = ()

Kind = Literal["vulnerable", "broken", "unaudited", "unreachable", "clean"]
#: The worst of several verdicts is reported.
WORST_FIRST: tuple[Kind, ...] = ("vulnerable", "broken", "unaudited", "unreachable", "clean")


@dataclass(frozen=True)
class Verdict:
    """The result of an audit."""

    kind: Kind
    words: str

    @property
    def status(self) -> int:
        """Return the exit status."""
        return 0 if self.kind in ("clean", "unreachable") else 1


def main() -> int:
    """Audit, print the result, and return an exit status."""
    verdict = audit(read_pins(), PipAudit(time.monotonic() + LIMIT_S), IGNORED, datetime.now(UTC).date())
    sys.stdout.write(f"Audit of {' and '.join(LISTS)}: {verdict.words}\n")
    return verdict.status


def read_pins() -> str:
    """Return the lines of all lists, each once and without its hashes."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in LISTS]
    lines = [line.removesuffix(" \\") for text in texts for line in text.splitlines() if line[:1].isalnum()]
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


@dataclass(frozen=True)
class PipAudit:
    """Asks pip-audit, until a moment of `time.monotonic`."""

    until: float

    def __call__(self, requirements: str) -> tuple[str, str]:
        """Return its output and its errors."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / "requirements.txt"
            path.write_text(requirements, encoding="utf-8")
            command = [sys.executable, "-m", "pip_audit", *COMMAND, "-r", str(path)]
            left_s = max(self.until - time.monotonic(), 0)
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=left_s)  # noqa: S603
            except subprocess.TimeoutExpired:
                return "", f"not done within {LIMIT_S} s"
        return done.stdout, done.stderr


def audit(lock: str, ask: Ask, ignored: Sequence[Ignored], today: date) -> Verdict:
    """Return the advisories for the lock file, which has all pins of requirements.txt."""
    canary = judge(*ask(CANARY), (), today)
    if canary.kind in ("clean", "unaudited"):
        return unreachable("the index in use knows no advisories")
    if canary.kind != "vulnerable":
        return canary
    verdicts = [judge(*ask(pins), ignored, today) for pins in split(lock)]
    worst = min((each.kind for each in verdicts), key=WORST_FIRST.index)
    return Verdict(worst, "\n  ".join(each.words for each in verdicts if each.kind == worst))


def split(lock: str) -> list[str]:
    """Return the pins for all Pythons and platforms, in as few lists as possible without a repeated name in a list.

    The tool leaves out packages for other Pythons than its own, and refuses two versions of a package.
    """
    lists: list[dict[str, str]] = []
    for line in lock.splitlines():
        pin = line.partition(" ;")[0].strip()
        if not pin or pin.startswith("#"):
            continue
        name = canonicalize_name(Requirement(pin).name)
        fitting = [each for each in lists if name not in each]
        if not fitting:
            lists.append({name: pin})
        else:
            fitting[0][name] = pin
    return ["".join(f"{pin}\n" for pin in each.values()) for each in lists]


def judge(output: str, errors: str, ignored: Iterable[Ignored], today: date) -> Verdict:
    """Return the verdict of the tool's output."""
    try:
        dependencies = json.loads(output)["dependencies"]
        skipped = [each["name"] for each in dependencies if "skip_reason" in each]
        found = [_Vulnerability.of(each["name"], one) for each in dependencies for one in each.get("vulns", ())]
    except (ValueError, LookupError, TypeError, AttributeError):
        if outage := _find_outage(errors):
            return unreachable(outage)
        return Verdict("broken", f"pip-audit has failed: {(errors or output).strip()[-1500:] or 'it says nothing'}")
    valid = {each.advisory for each in ignored if each.until >= today}
    open_ones = [each for each in found if not valid & set(each.names)]
    if open_ones:
        return Verdict("vulnerable", "\n  ".join(["vulnerable:", *map(str, open_ones)]))
    if skipped or not dependencies:
        return Verdict("unaudited", f"not audited: {', '.join(skipped) or 'anything'}")
    return Verdict("clean", f"{len(dependencies)} packages, no known vulnerability, {len(found)} ignored.")


def _find_outage(errors: str) -> str | None:
    reasons: list[str] = _REASON.findall(errors)
    found = _OUTAGE.match(reasons[-1]) if reasons else None
    return found[0] if found else None


def unreachable(because: str) -> Verdict:
    """Return the verdict without an answer."""
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
