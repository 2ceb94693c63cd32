"""The run of a request, and its ledger if that answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import HTTPException
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from ci_operators.ledger.history import History
from ci_operators.operators.staging_area import run_directory
from ci_operators.pages.asked_run import find_asked_run, find_kept, find_staged_event
from ci_operators.pages.configuration import current_file
from ci_operators.staging.artifact import write_artifact
from tests.ledger.delivered import accept_batch, make_row
from tests.pages.conftest import add_run
from tests.pages.test_connectors import manifest
from tests.pages.test_runs import RUN, add_manifest

OKTA, TRIAL = "collective_insights_okta", "collective_insights_trial"

pytestmark = pytest.mark.usefixtures("connectors_file")


@pytest.mark.parametrize(("dag_id", "words"), [("sales", "is not a connector"), (OKTA, "does not know this run")])
def test_an_unknown_run_is_not_found(metadata: Session, dag_id: str, words: str) -> None:
    with pytest.raises(HTTPException, match=words):
        find_asked_run(dag_id, RUN, metadata)


@pytest.mark.parametrize(
    ("name", "said", "debug"), [("okta", True, True), ("okta", False, False), ("trial", None, True)]
)
def test_run_mode_is_that_of_its_stages_else_of_its_connector(
    metadata: Session, name: str, said: bool | None, debug: bool
) -> None:
    add_run(metadata, name, RUN)
    if said is not None:
        add_manifest(metadata, "extract", {**manifest("extract", 1, 1), "debug": said}, name)
    asked = find_asked_run(f"collective_insights_{name}", RUN, metadata)
    assert asked.account.is_debug is debug


def test_manifests_of_the_ledger_replace_missing_xcoms(metadata: Session, ledger: Connection) -> None:
    okta = current_file().connectors[0]
    assert find_kept(okta, RUN) == {}
    kept = manifest("extract", 1, 1)
    History(ledger, "okta", RUN, "extract").add_run(kept, "scheduled")
    History(ledger, "sentinelone", RUN, "filter").add_run(manifest("filter", 1, 1), "scheduled")
    assert find_kept(okta, RUN) == {"extract": kept}
    add_run(metadata, "okta", RUN)
    assert find_asked_run(OKTA, RUN, metadata).account.manifests == {"extract": kept}


def test_event_is_found_in_the_artifacts_of_a_kept_run(ledger: Connection) -> None:
    okta = current_file().connectors[0]
    directory = Path(run_directory(okta.dag_id, "run").path)
    with write_artifact(directory / "extract.jsonl.zst") as out:
        out.write(b'{"uuid":"event-1"}')
    assert find_staged_event(okta, "run", "event-1") is None
    History(ledger, "okta", "run", "extract").add_run(manifest("extract", 1, 1, artifact="x"), "scheduled")
    assert find_staged_event(okta, "run", "event-1") == b'{"uuid":"event-1"}'
    assert find_staged_event(okta, "run", "event-2") is None


def test_states_and_trail_are_found(metadata: Session, ledger: Connection) -> None:
    accept_batch(ledger, 1)
    add_run(metadata, "okta", RUN)
    asked = find_asked_run(OKTA, RUN, metadata)
    assert asked.find_states([make_row(1).key])[make_row(1).key].state == "accepted"
    assert len(asked.find_trail("event-1").detections) == 1
    assert asked.ledger_problem == ""


def test_ledger_that_does_not_answer_is_reported_and_not_asked_again(metadata: Session) -> None:
    add_run(metadata, "okta", RUN)
    asked = find_asked_run(OKTA, RUN, metadata)
    assert asked.find_states([make_row(1).key]) == {}
    assert asked.ledger_problem.startswith(
        "The states of deliveries are not shown: Connection collective_insights_ledger"
    )
    said = asked.ledger_problem
    assert not asked.find_trail("event-1")
    assert asked.ledger_problem is said


def test_dry_run_asks_no_ledger(metadata: Session) -> None:
    add_run(metadata, "trial", RUN)
    asked = find_asked_run(TRIAL, RUN, metadata)
    assert asked.find_states([make_row(1).key]) == {}
    assert asked.ledger_problem == ""
