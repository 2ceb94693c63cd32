"""What became of the events of one run: in figures, as a table, and one by one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query

from ci_operators.answers.event.detail import RecordInquiry, find_detail
from ci_operators.answers.run.account import RunFacts, TaskFacts, make_account
from ci_operators.answers.run.record import RecordReader
from ci_operators.answers.run.records import check_artifacts, find_table
from ci_operators.answers.run.scan import Limits, RecordPage
from ci_operators.answers.run.search import RecordQuery
from ci_operators.attack import attack_matrix
from ci_operators.pages.asked_run import Asked, AskedRun, may_read_run
from ci_operators.pages.run_ledger import RunLedger
from ci_operators.sources.registry import load_source

router = APIRouter(dependencies=[may_read_run])
UNKNOWN_EVENT = "Neither this run's artifacts nor the ledger know this event."


@router.get("/run")
def show_run(asked: Asked) -> dict[str, Any]:
    """Return the account of a run."""
    connector, state = asked.connector, asked.state
    facts = RunFacts(
        connector.name,
        connector.source,
        load_source(connector.source).title,
        asked.is_debug,
        state.kind,
        state.state,
        state.started_at,
        state.ended_at,
    )
    tasks = {stage: TaskFacts(task.state, task.try_number) for stage, task in state.tasks.items()}
    return asdict(make_account(facts, asked.manifests, tasks, asked.wording, check_artifacts(asked.files)))


@router.get("/run/records")
def show_records(
    asked: Asked,
    wanted: Annotated[RecordQuery, Depends(RecordQuery.of)],
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> dict[str, Any]:
    """Return records of a run, a page at a time."""
    page, problem = _find_page(asked, wanted, cursor or None, Limits(records=limit))
    told = asdict(page)
    records = [_name_codes(record) for record in told["records"]]
    return {**told, "records": records, "note": " ".join(filter(None, (page.note, problem)))}


@router.get("/run/record")
def show_record(asked: Asked, event_id: str = "", indicator: str = "", place: str = "") -> dict[str, Any]:
    """Return all about one event of a run; `place` names a record that has no event id."""
    ledger = asked.ledger
    inquiry = RecordInquiry(asked.files, asked.connector, _reader(asked), *_questions(ledger))
    detail = find_detail(inquiry, event_id, indicator, place)
    if detail is None:
        raise HTTPException(404, UNKNOWN_EVENT)
    told = asdict(detail)
    story = [*told["story"], *([ledger.problem] if ledger and ledger.problem else [])]
    return {**told, "story": story, "detections": [_name_codes(sent) for sent in told["detections"]]}


def _find_page(asked: AskedRun, wanted: RecordQuery, cursor: str | None, limits: Limits) -> tuple[RecordPage, str]:
    """Return a page of records, and what is missing in it; for artifacts that are gone the ledger stands in."""
    files, reader, ledger = asked.files, _reader(asked), asked.ledger
    if ledger is not None and check_artifacts(files):
        with asked.open_ledger() as run:
            return find_table(files, wanted, reader, cursor, limits, None, run), ""
    page = find_table(files, wanted, reader, cursor, limits, _questions(ledger)[0])
    return page, ledger.problem if ledger else ""


def _questions(ledger: RunLedger | None) -> tuple[Any, Any]:
    return (None, None) if ledger is None else (ledger.find_states, ledger.find_trail)


def _reader(asked: AskedRun) -> RecordReader:
    return RecordReader(asked.connector.name, asked.wording, asked.state.started_at)


def _name_codes(told: dict[str, Any]) -> dict[str, Any]:
    """Return a record with the names of its ATT&CK codes beside them."""
    matrix = attack_matrix()
    known = {code: matrix.find(code) for code in told["codes"]}
    return {**told, "codes": [{"code": code, "name": each.name if each else ""} for code, each in known.items()]}
