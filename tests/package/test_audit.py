"""The audit and its verdict: a vulnerability fails, an outage passes and is reported, any other error fails."""

from __future__ import annotations

import json
import re
import time
from datetime import date, timedelta
from typing import Any

import pytest

from tests.airflow_home import ROOT
from tests.package.audit import CANARY, IGNORED, LISTS, Ask, Ignored, PipAudit, audit, judge, read_pins, split

TODAY = date(2026, 11, 22)
GOOD = {"name": "flask", "version": "3.1.3", "vulns": []}
BAD = {
    "name": "jinja2",
    "version": "2.10",
    "vulns": [{"id": "PYSEC-2019-217", "aliases": ["CVE-2019-10906"], "fix_versions": ["2.10.1"], "description": "x"}],
}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found and could not be audited: ours (1.0)"}
TRACE = "Traceback (most recent call last):\n  File x\n"
CAUSED = "\n\nThe above exception was the direct cause of the following exception:\n\n"


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
        (report(UNKNOWN), "", "unaudited", "not audited: ours"),
        (report(GOOD, UNKNOWN), "", "unaudited", "not audited: ours"),
        (report(), "", "unaudited", "not audited: anything"),
        ("", f"{TRACE}requests.exceptions.ConnectionError: no route", "unreachable", "NOT DONE"),
        ("", f"{TRACE}requests.exceptions.ProxyError: refused", "unreachable", "NOT DONE"),
        ("", f"{TRACE}requests.exceptions.ReadTimeout: slow", "unreachable", "NOT DONE"),
        ("", "ERROR:pip_audit._cli:Could not connect to the vulnerability feed\n", "unreachable", "NOT DONE"),
        ("", "ERROR:pip_audit._cli:PyPI is not redirecting properly\n", "unreachable", "NOT DONE"),
        ("", f"{TRACE}requests.exceptions.HTTPError: 503 Server Error: busy{CAUSED}", "unreachable", "NOT DONE"),
        ("", f"{TRACE}requests.exceptions.HTTPError: 404 Client Error: 503 Server Error", "broken", "404 Client Error"),
        ("", f"{TRACE}ValueError: 503 Server Error", "broken", "ValueError"),
        ("", f"{TRACE}requests.exceptions.ProxyError: x{CAUSED}requests.exceptions.SSLError: y", "broken", "SSLError"),
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


def test_an_ignored_advisory_has_a_reason_and_half_a_year_at_most() -> None:
    for each in IGNORED:
        assert len(each.reason.split()) > 3, each
        assert each.until <= date.today() + timedelta(days=183), each  # noqa: DTZ011 - a day more or less


def answer(canary: tuple[str, str], *rest: tuple[str, str]) -> tuple[Ask, list[str]]:
    """Return a function that answers in this order, and the list of its calls."""
    answers, asked = iter((canary, *rest)), list[str]()

    def ask(requirements: str) -> tuple[str, str]:
        asked.append(requirements)
        return next(answers)

    return ask, asked


LOCK = """# made by a tool
flask==3.1.3
numpy==2.4.6 ; python_full_version < '3.12'
NumPy==2.5.5 ; python_full_version >= '3.12'
other==1.0 ; sys_platform == 'win32'
"""
KNOWN = (report(BAD), "")
OUTAGE = ("", f"{TRACE}requests.exceptions.ConnectionError: no route")


def test_every_python_s_pins_are_audited_and_no_name_twice_at_once() -> None:
    assert split(LOCK) == ["flask==3.1.3\nnumpy==2.4.6\nother==1.0\n", "NumPy==2.5.5\n"]


def test_each_list_is_audited_to_the_last_line() -> None:
    pins = [pin for each in split(read_pins()) for pin in each.splitlines()]
    assert not [pin for pin in pins if re.search(r"[;\\]|--", pin)]
    for name in LISTS:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert set(re.findall(r"^\w[^\s;]*==[^\s;]+", text, re.MULTILINE)) <= set(pins), name


def test_the_lock_is_clean_when_the_canary_is_reported_and_nothing_else() -> None:
    ask, asked = answer(KNOWN, (report(GOOD), ""), (report(GOOD), ""))
    assert audit(LOCK, ask, (), TODAY).kind == "clean"
    assert asked == [CANARY, *split(LOCK)]


@pytest.mark.parametrize("canary", [report(UNKNOWN), report(GOOD)])
def test_an_index_without_the_canary_is_not_asked_again(canary: str) -> None:
    ask, asked = answer((canary, ""))
    verdict = audit(LOCK, ask, (), TODAY)
    assert (verdict.kind, asked) == ("unreachable", [CANARY])
    assert "the index in use knows no advisories" in verdict.words


@pytest.mark.parametrize(("canary", "kind"), [(OUTAGE, "unreachable"), (("", "what?"), "broken")])
def test_without_an_answer_about_the_canary_nothing_is_clean(canary: tuple[str, str], kind: str) -> None:
    ask, asked = answer(canary)
    assert (audit(LOCK, ask, (), TODAY).kind, asked) == (kind, [CANARY])


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (KNOWN, OUTAGE, "vulnerable"),
        (OUTAGE, KNOWN, "vulnerable"),
        ((report(GOOD), ""), OUTAGE, "unreachable"),
        ((report(GOOD), ""), (report(UNKNOWN), ""), "unaudited"),
        (OUTAGE, ("", "what?"), "broken"),
    ],
)
def test_the_worst_verdict_is_reported(first: tuple[str, str], second: tuple[str, str], kind: str) -> None:
    ask, _ = answer(KNOWN, first, second)
    assert audit(LOCK, ask, (), TODAY).kind == kind


def test_an_audit_that_takes_too_long_fails() -> None:
    verdict = audit(LOCK, PipAudit(time.monotonic()), (), TODAY)
    assert (verdict.kind, verdict.status) == ("broken", 1)
    assert "not done within" in verdict.words
