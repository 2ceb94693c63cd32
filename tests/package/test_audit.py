"""What an audit's output means: a vulnerability fails, an outage passes and is told, all else fails."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

from tests.package.audit import IGNORED, Ignored, judge

TODAY = date(2026, 11, 22)
GOOD = {"name": "flask", "version": "3.1.3", "vulns": []}
BAD = {
    "name": "jinja2",
    "version": "2.10",
    "vulns": [{"id": "PYSEC-2019-217", "aliases": ["CVE-2019-10906"], "fix_versions": ["2.10.1"], "description": "x"}],
}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found and could not be audited: ours (1.0)"}
TRACE = "Traceback (most recent call last):\n  File x\n"


def report(*dependencies: Any) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def ignore(name: str, days: int) -> Ignored:
    return Ignored(name, "not reached", TODAY + timedelta(days=days))


@pytest.mark.parametrize(
    ("output", "errors", "kind", "words"),
    [
        (report(GOOD), "", "clean", "1 packages, no known vulnerability"),
        (report(GOOD, BAD), "", "vulnerable", "jinja2: PYSEC-2019-217, CVE-2019-10906; fixed in 2.10.1"),
        (report(UNKNOWN, BAD), "", "vulnerable", "jinja2"),
        (report(UNKNOWN), "", "unreachable", "NOT DONE"),
        (report(GOOD, UNKNOWN), "", "broken", "not audited: ours"),
        (report(), "", "broken", "not audited: anything"),
        ("", f"{TRACE}requests.exceptions.ConnectionError: no route", "unreachable", "NOT DONE"),
        ("", f"{TRACE}requests.exceptions.ProxyError: refused", "unreachable", "NOT DONE"),
        ("", f"{TRACE}requests.exceptions.ReadTimeout: slow", "unreachable", "NOT DONE"),
        ("", "ERROR: Could not connect to the vulnerability feed", "unreachable", "NOT DONE"),
        ("", f"{TRACE}requests.exceptions.HTTPError: 503 Server Error: busy", "unreachable", "NOT DONE"),
        ("", f"{TRACE}requests.exceptions.HTTPError: 403 Client Error", "broken", "403 Client Error"),
        ("", f"{TRACE}requests.exceptions.SSLError: certificate", "broken", "certificate"),
        ("", "ERROR: requirement is not pinned", "broken", "not pinned"),
        ("", "", "broken", "it says nothing"),
        ("[]", "", "broken", "pip-audit has failed"),
        ('{"dependencies":[{"name":"x","vulns":[{}]}]}', "", "broken", "pip-audit has failed"),
    ],
)
def test_an_outage_alone_passes_beside_a_clean_audit(output: str, errors: str, kind: str, words: str) -> None:
    verdict = judge(output, errors, (), TODAY)
    assert verdict.kind == kind
    assert words in verdict.words
    assert verdict.status == (0 if kind in ("clean", "unreachable") else 1)


@pytest.mark.parametrize("name", ["PYSEC-2019-217", "CVE-2019-10906"])
def test_an_ignored_vulnerability_passes_until_its_day(name: str) -> None:
    assert judge(report(BAD), "", [ignore(name, 0)], TODAY).kind == "clean"
    assert judge(report(BAD), "", [ignore(name, -1)], TODAY).kind == "vulnerable"
    assert judge(report(BAD), "", [ignore("CVE-2019-1", 9)], TODAY).kind == "vulnerable"


def test_what_is_ignored_has_a_reason_and_no_more_than_half_a_year() -> None:
    for each in IGNORED:
        assert len(each.reason.split()) > 3, each
        assert each.until <= date.today() + timedelta(days=183), each  # noqa: DTZ011 - a day more or less
