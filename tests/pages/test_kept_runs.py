"""Runs as the ledger keeps them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from ci_operators.ledger.history import History
from ci_operators.operators.staging_area import run_directory
from ci_operators.pages.configuration import current_file
from ci_operators.pages.kept_runs import find_kept, find_staged_event
from ci_operators.staging.artifact import write_artifact
from tests.pages.test_connectors import manifest


def test_manifests_are_found_by_stage(ledger: Connection, connectors_file: Path) -> None:
    del connectors_file
    okta = current_file().connectors[0]
    kept = manifest("extract", 1, 1)
    History(ledger, "okta", "run", "extract").add_run(kept, "scheduled")
    History(ledger, "sentinelone", "run", "filter").add_run(manifest("filter", 1, 1), "scheduled")
    assert find_kept(okta, "run") == {"extract": kept}
    assert find_kept(okta, "other") == {}


def test_without_ledger_nothing_is_kept(connectors_file: Path) -> None:
    del connectors_file
    assert find_kept(current_file().connectors[0], "run") == {}


def test_event_is_found_in_the_artifacts_of_a_kept_run(ledger: Connection, connectors_file: Path) -> None:
    del connectors_file
    okta = current_file().connectors[0]
    directory = Path(run_directory(okta.dag_id, "run").path)
    with write_artifact(directory / "extract.jsonl.zst") as out:
        out.write(b'{"uuid":"event-1"}')
    assert find_staged_event(okta, "run", "event-1") is None
    History(ledger, "okta", "run", "extract").add_run(manifest("extract", 1, 1, artifact="x"), "scheduled")
    assert find_staged_event(okta, "run", "event-1") == b'{"uuid":"event-1"}'
    assert find_staged_event(okta, "run", "event-2") is None
