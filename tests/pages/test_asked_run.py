"""The run that a request is about."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import HTTPException
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from ci_operators.ledger.history import History
from ci_operators.pages.asked_run import find_asked_run
from tests.pages.conftest import add_run
from tests.pages.test_connectors import manifest
from tests.pages.test_runs import RUN, add_manifest

OKTA = "collective_insights_okta"


@pytest.mark.parametrize(("dag_id", "words"), [("sales", "is no connector"), (OKTA, "does not know this run")])
def test_what_is_no_run_of_a_connector_is_not_found(
    metadata: Session, connectors_file: Path, dag_id: str, words: str
) -> None:
    del connectors_file
    with pytest.raises(HTTPException, match=words):
        find_asked_run(dag_id, RUN, metadata)


def test_run_whose_xcoms_are_gone_has_the_ledgers_manifests(
    metadata: Session, connectors_file: Path, ledger: Connection
) -> None:
    del connectors_file
    add_run(metadata, "okta", RUN)
    kept = manifest("extract", 3, 3)
    History(ledger, "okta", RUN, "extract").add_run(kept, "scheduled")
    assert find_asked_run(OKTA, RUN, metadata).manifests == {"extract": kept}


@pytest.mark.parametrize(
    ("name", "said", "debug"), [("okta", True, True), ("okta", False, False), ("trial", None, True)]
)
def test_run_is_dry_as_its_stages_say_and_before_that_as_its_connector_is(
    metadata: Session, connectors_file: Path, name: str, said: bool | None, debug: bool
) -> None:
    del connectors_file
    add_run(metadata, name, RUN)
    if said is not None:
        add_manifest(metadata, "extract", {**manifest("extract", 1, 1), "debug": said}, name)
    asked = find_asked_run(f"collective_insights_{name}", RUN, metadata)
    assert asked.is_debug is debug


def test_dry_run_asks_no_ledger(metadata: Session, connectors_file: Path) -> None:
    del connectors_file
    add_run(metadata, "trial", RUN)
    assert find_asked_run("collective_insights_trial", RUN, metadata).ledger is None
