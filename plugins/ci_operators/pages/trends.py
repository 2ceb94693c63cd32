"""What was delivered and what was left out, over a time range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from fastapi import APIRouter
from sqlalchemy import Connection

from ci_operators.answers.ledgers import ask_each
from ci_operators.answers.wording import make_wording
from ci_operators.attack import attack_edition, attack_matrix
from ci_operators.connectors_file import ConnectorsFile
from ci_operators.core.connector import Connector
from ci_operators.ledger import trends
from ci_operators.ledger.tables import NO_CODE
from ci_operators.pages.configuration import current_file, open_reader
from ci_operators.pages.request import AskedPeriod, Chosen, Period

router = APIRouter()
TOP_INDICATORS = 20

Row = TypeVar("Row")


@router.get("/trends/days")
def show_days(period: AskedPeriod, chosen: Chosen) -> dict[str, Any]:
    """Return delivered detections by connector and day (UTC, of the detection)."""
    rows, problems = _collect(chosen, trends.count_days, period.first_day, period.end_day)
    days = Counter[tuple[str, str]]()
    for row in rows:
        days[row.day.isoformat(), row.connector] += row.detections
    found = [{"day": day, "connector": name, "detections": count} for (day, name), count in sorted(days.items())]
    return _answer(period, problems, days=found, detections=days.total())


@router.get("/trends/reasons")
def show_reasons(period: AskedPeriod, chosen: Chosen) -> dict[str, Any]:
    """Return the events that were dropped or quarantined by reason, the most frequent first."""
    rows, problems = _collect(chosen, trends.count_reasons, period.since, period.until)
    return _answer(period, problems, reasons=_tell_reasons(rows, current_file()))


@router.get("/trends/indicators")
def show_indicators(period: AskedPeriod, chosen: Chosen, limit: int = TOP_INDICATORS) -> dict[str, Any]:
    """Return the indicators with the most detections."""
    size = min(max(limit, 1), 1000)
    tops, problems = _collect(chosen, _find_tops, period.since, period.until, size)
    found = [each for top in tops for each in top.indicators]
    found.sort(key=lambda each: (-each.detections, each.type, each.value))
    read = sum(top.read for top in tops)
    note = f"Of the newest {read:,} detections in this range." if any(top.is_partial for top in tops) else ""
    return _answer(period, problems, indicators=[asdict(each) for each in found[:size]], indicators_note=note)


@router.get("/trends/techniques")
def show_techniques(period: AskedPeriod, chosen: Chosen) -> dict[str, Any]:
    """Return detections by ATT&CK code, and how many have no code."""
    counts, problems = count_codes(period, chosen)
    without = counts.pop(NO_CODE, 0)
    found = [_tell_code(code, count) for code, count in sorted(counts.items())]
    return _answer(period, problems, techniques=found, without_codes=without)


def count_codes(period: Period, chosen: Sequence[str]) -> tuple[Counter[str], list[str]]:
    """Return delivered detections by ATT&CK code (NO_CODE if they have none), and the errors of ledgers."""
    rows, problems = _collect(chosen, trends.count_codes, period.first_day, period.end_day)
    counts = Counter[str]()
    for row in rows:
        counts[row.code] += row.detections
    return counts, problems


@router.get("/tactics")
def show_tactics() -> dict[str, Any]:
    """Return ATT&CK's tactics in their order, and its version."""
    edition = attack_edition()
    tactics = [{"id": each.id, "shortname": each.shortname, "name": each.name} for each in edition.matrix.tactics]
    return {"tactics": tactics, "version": edition.version}


def _tell_code(code: str, count: int) -> dict[str, Any]:
    """Return a code with the name of its technique; a sub-technique also has the name of its parent."""
    matrix = attack_matrix()
    technique, parent = matrix.find(code), matrix.find(code.partition(".")[0]) if "." in code else None
    return {
        "code": code,
        "name": technique.name if technique else "",
        "parent_name": parent.name if parent else "",
        "tactics": technique.tactics if technique else [],
        "detections": count,
    }


def _find_tops(ledger: Connection, names: Sequence[str], *asked: Any) -> list[trends.TopIndicators]:
    return [trends.find_top_indicators(ledger, names, *asked)]


def _collect(names: Sequence[str], query: Callable[..., Sequence[Row]], *asked: Any) -> tuple[list[Row], list[str]]:
    """Return the rows from the ledgers of the connectors, and the errors of those that cannot be read.

    Connectors that are no longer in the file can be in any of its other ledgers, whose errors are ignored.
    """

    def ask(ledger: Connection, group: Sequence[Connector]) -> Sequence[Row]:
        del group
        return query(ledger, names, *asked)

    every = current_file().connectors
    own = [connector for connector in every if connector.name in names]
    answers, errors = ask_each(own, open_reader, ask)
    if len(own) < len(names):
        known = {connector.ledger_conn_id for connector in own}
        answers += ask_each([each for each in every if each.ledger_conn_id not in known], open_reader, ask)[0]
    return [row for rows in answers for row in rows], [str(error) for error in errors]


def _answer(period: Period, problems: Sequence[str], **content: Any) -> dict[str, Any]:
    return {"since": period.since, "until": period.until, "note": " ".join(problems), **content}


def _tell_reasons(rows: Sequence[trends.ReasonCount], found: ConnectorsFile) -> list[dict[str, Any]]:
    """Return one entry for each stage and code in words, the most frequent first."""
    wording, counts = make_wording(found.connectors), Counter[tuple[str, str, str, str, str]]()
    for row in rows:
        if not row.has_arrived:
            words, faq = wording.say(row.connector, row.code), wording.name_faq(row.connector, row.code)
            counts[row.stage, row.fate, row.code, words, faq] += row.events
    names = ("stage", "fate", "code", "words", "faq")
    return [{**dict(zip(names, key, strict=True)), "events": events} for key, events in counts.most_common()]
