"""What happened to the events of one run: in figures, as a table, and one by one."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query

from ci_operators.answers.event.detail import RecordInquiry
from ci_operators.answers.question import Limits
from ci_operators.answers.run.artifacts import check_artifacts
from ci_operators.answers.run.ledger_records import find_ledger_records
from ci_operators.answers.run.query import RecordQuery
from ci_operators.answers.run.records import RecordPage, find_records
from ci_operators.attack import attack_matrix
from ci_operators.pages.asked_run import Asked, AskedRun, may_read_run

router = APIRouter(dependencies=[may_read_run])
UNKNOWN_EVENT = "This event is not in the run's artifacts or in the ledger."


@router.get("/run")
def show_run(asked: Asked) -> dict[str, Any]:
    """Return the account of a run."""
    return asked.account.tell(check_artifacts(asked.files))


@router.get("/run/records")
def show_records(
    asked: Asked,
    wanted: Annotated[RecordQuery, Depends(RecordQuery.of)],
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Return records of a run, a page at a time."""
    page = _find_page(asked, wanted, cursor or None, Limits(records=limit))
    return {**asdict(page), "records": [_name_codes(asdict(record)) for record in page.records]}


@router.get("/run/record")
def show_record(asked: Asked, event_id: str = "", indicator: str = "", place: str = "") -> dict[str, Any]:
    """Return everything about one event of a run; `place` identifies a record that has no event id."""
    inquiry = RecordInquiry(asked.files, asked.connector, asked.reader, asked.find_states, asked.find_trail)
    found = inquiry.find(event_id, indicator, place)
    if found is None:
        raise HTTPException(404, UNKNOWN_EVENT)
    story = [*found["story"], *filter(None, [asked.ledger_problem])]
    return {**found, "story": story, "detections": [_name_codes(sent) for sent in found["detections"]]}


def _find_page(asked: AskedRun, wanted: RecordQuery, cursor: str | None, limits: Limits) -> RecordPage:
    """Return a page of records, with a note on what is missing. If artifacts are gone, the ledger has the records."""
    files, is_debug = asked.files, asked.account.is_debug
    gone = "" if is_debug else check_artifacts(files)
    if gone:
        with asked.open_ledger() as run:
            page = find_ledger_records(run, wanted, cursor, limits)
        return replace(page, note=f"{gone} {page.note}")
    page = find_records(files, wanted, asked.reader, cursor, limits, None if is_debug else asked.find_states)
    return replace(page, note=" ".join(filter(None, (page.note, asked.ledger_problem))))


def _name_codes(told: dict[str, Any]) -> dict[str, Any]:
    """Return a record with a name for each of its ATT&CK codes."""
    matrix = attack_matrix()
    known = {code: matrix.find(code) for code in told["codes"]}
    return {**told, "codes": [{"code": code, "name": each.name if each else ""} for code, each in known.items()]}
