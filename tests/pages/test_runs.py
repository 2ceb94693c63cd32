"""The outcomes of a run's events, as its page gets them."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from fastapi.testclient import TestClient
from sqlalchemy import Connection, insert, select
from sqlalchemy.orm import Session

from ci_operators.core.connector import DAG_PREFIX
from ci_operators.ledger.history import History
from ci_operators.operators.staging_area import run_directory
from ci_operators.staging.artifact import write_artifact
from tests.ledger.delivered import accept_batch, make_row
from tests.pages.conftest import NOW, LogIn, add_run
from tests.pages.test_connectors import manifest

RUN = "scheduled__1"
WHOLE = f"dag_id={DAG_PREFIX}okta&run_id={RUN}"
STAGES = {
    "extract": manifest("extract", 4, 4, artifact="x", side_artifacts={}, pages=2, waited_s=1.5, duration_s=0.5),
    "filter": manifest("filter", 4, 3, artifact="x", side_artifacts={"dropped": "x"}, dropped={"null_display_name": 1}),
    "map": manifest(
        "map", 3, 2, artifact="x", side_artifacts={"quarantined": "x"}, quarantined={"indicator_not_an_address": 1}
    ),
    "validate": manifest("validate", 2, 2, artifact="x", side_artifacts={}),
    "submit": manifest("submit", 2, 2, artifact=None, side_artifacts={}, waiting=0),
}
EVENT = b'{"uuid":"event-%d","actor":{"displayName":"198.51.100.%d"},"client":{"ipAddress":"203.0.113.7"}}'


def ask(client: TestClient, what: str = "run", more: str = "", status: int = 200, whole: str = WHOLE) -> dict[str, Any]:
    """Return the answer about a run."""
    answer = client.get(f"/api/{what}?{whole}{more}")
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def run(metadata: Session, connectors_file: Path, ledger: Connection) -> Path:
    """A finished run: events 1 and 2 delivered, 3 dropped, 4 quarantined. Returns its staging directory."""
    del connectors_file
    add_run(metadata, "okta", RUN)
    directory = Path(run_directory(f"{DAG_PREFIX}okta", RUN).path)
    files = {
        "extract": [EVENT % (number, number) for number in (1, 2, 3, 4)],
        "filter.dropped": [b'{"event_id":"event-3","reason":"null_display_name"}'],
        "map.quarantined": [
            b'{"event_id":"event-4","issue":"indicator_not_an_address","detail":"<b>x</b>","record":%s}'
            % (EVENT % (4, 4))
        ],
        "validate": [make_row(number).text for number in (1, 2)],
    }
    for name, lines in files.items():
        with write_artifact(directory / f"{name}.jsonl.zst") as out:
            out.write_all(lines)
    for stage, left in STAGES.items():
        History(ledger, "okta", RUN, stage).add_run(left, "scheduled")
    accept_batch(ledger, 1, 2)
    return directory


def test_account_shows_what_became_of_the_events(client: TestClient, run: Path) -> None:
    found = ask(client)
    assert [stage["stage"] for stage in found["stages"]] == ["extract", "filter", "map", "validate", "submit"]
    assert found["stages"][1]["dropped"][0]["count"] == 1
    assert found["stages"][1]["dropped"][0]["faq"].startswith("FAQ 2")
    assert found["stages"][2]["quarantined"][0]["code"] == "indicator_not_an_address"
    assert found["delivery"]["accepted"] == 2
    assert (found["pages"], found["waited_s"]) == (2, 1.5)
    assert found["window"]["basis"] == "initial import"
    assert found["records_available"]


def test_xcoms_are_read_before_the_ledger(client: TestClient, run: Path, metadata: Session) -> None:
    add_manifest(metadata, "extract", manifest("extract", 7, 7))
    found = ask(client)
    assert found["stages"][0]["records_in"] == 7
    assert found["stages"][1]["records_in"] is None


def test_records_can_be_searched_and_filtered(client: TestClient, run: Path) -> None:
    everything = ask(client, "run/records")["records"]
    assert {(each["event_id"], each["fate"]) for each in everything} == {
        ("event-1", "detection"),
        ("event-2", "detection"),
        ("event-3", "dropped"),
        ("event-4", "quarantined"),
    }
    assert {each["state"] for each in everything if each["fate"] == "detection"} == {"accepted"}
    (one,) = ask(client, "run/records", "&search=198.51.100.2")["records"]
    assert one["event_id"] == "event-2"
    (dropped,) = ask(client, "run/records", "&fate=dropped")["records"]
    assert dropped["code"] == "null_display_name"


def test_records_come_in_pages(client: TestClient, run: Path) -> None:
    seen, cursor = [], ""
    while True:
        page = ask(client, "run/records", f"&limit=1&cursor={cursor}")
        seen += [each["event_id"] for each in page["records"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert sorted(seen) == ["event-1", "event-2", "event-3", "event-4"]


def test_one_record_is_shown_in_full(client: TestClient, run: Path) -> None:
    found = ask(client, "run/record", "&event_id=event-1")
    assert found["event"]["client"] == {"ipAddress": "203.0.113.7"}
    assert "client" in found["personal"]
    assert found["detections"][0]["state"] == "accepted"
    assert found["detections"][0]["sent"]["ioc"]["value"] == "198.51.100.1"


@pytest.mark.parametrize(
    ("what", "more", "status", "words"),
    [
        ("run", "&run_id=other", 404, "Airflow does not know this run"),
        ("run/record", "&event_id=nobody", 404, "This event is not in the run's artifacts or in the ledger."),
        ("run/records", "&fate=lost", 400, "Unknown outcome 'lost'"),
        ("run/records", "&cursor=nonsense", 400, "cursor"),
        ("run/records", f"&search={'x' * 500}", 400, "500 characters"),
    ],
)
def test_wrong_question_gets_a_sentence(
    client: TestClient, run: Path, what: str, more: str, status: int, words: str
) -> None:
    whole = WHOLE.replace(f"&run_id={RUN}", "") if "run_id" in more else WHOLE
    assert words in ask(client, what, more, status, whole)["detail"]


def test_dag_without_a_connector_is_not_found(client: TestClient) -> None:
    found = ask(client, status=404, whole="dag_id=sales&run_id=r")
    assert found["detail"] == "This DAG is not a connector in the connectors file."


@pytest.mark.parametrize("what", ["run", "run/records", "run/record"])
def test_run_of_another_connector_is_forbidden(log_in: LogIn, run: Path, what: str) -> None:
    ask(log_in("only-sentinelone"), what, "&event_id=event-1", status=403)
    ask(log_in("only-okta"), what, "&event_id=event-1", status=200)


# FastAPI suppresses this warning while it replaces the login, in a way that is not thread-safe.
@pytest.mark.filterwarnings("ignore:The 'alias' attribute with value")
def test_many_readers_at_once_all_get_their_records(client: TestClient, run: Path) -> None:
    with ThreadPoolExecutor(8) as readers:
        answers = list(readers.map(lambda _: client.get(f"/api/run/records?{WHOLE}").status_code, range(24)))
    assert answers == [200] * 24


def test_ledger_that_is_down_hides_only_the_states(
    client: TestClient, run: Path, metadata: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_COLLECTIVE_INSIGHTS_LEDGER", "postgresql://nobody@127.0.0.1:1/ledger")
    for stage, left in STAGES.items():
        add_manifest(metadata, stage, left)
    page = ask(client, "run/records")
    assert {each["state"] for each in page["records"]} == {None}
    assert page["note"].startswith("The states of deliveries are not shown: ")


def test_run_without_artifacts_is_read_from_the_ledger(client: TestClient, run: Path) -> None:
    for path in run.iterdir():
        path.unlink()
    assert not ask(client)["records_available"]
    assert ask(client)["records_note"]
    page = ask(client, "run/records")
    assert {each["event_id"] for each in page["records"]} == {"event-1", "event-2"}
    assert page["note"]
    found = ask(client, "run/record", "&event_id=event-1")
    assert found["event"] is None
    assert found["event_note"]


def test_xcom_cannot_name_another_file(client: TestClient, metadata: Session, run: Path, tmp_path: Path) -> None:
    secret = tmp_path / "validate.jsonl.zst"
    with write_artifact(secret) as out:
        out.write(make_row(99).text)
    named = {**STAGES["validate"], "artifact": str(secret), "records_in": 1, "records_out": 1}
    for stage in ("extract", "filter", "map"):
        add_manifest(metadata, stage, {**STAGES[stage], "artifact": str(secret)})
    add_manifest(metadata, "validate", named)
    assert "event-99" not in client.get(f"/api/run/records?{WHOLE}").text


def test_debug_run_needs_no_ledger(log_in: LogIn, metadata: Session) -> None:
    add_run(metadata, "trial", RUN)
    add_manifest(metadata, "extract", {**STAGES["extract"], "debug": True}, name="trial")
    found = ask(log_in("reader"), whole=f"dag_id={DAG_PREFIX}trial&run_id={RUN}")
    assert found["debug"]
    assert found["delivery"] is None


def add_manifest(session: Session, stage: str, left: Any, name: str = "okta") -> None:
    """Have a stage's task leave this as its XCom."""
    dag_id = f"{DAG_PREFIX}{name}"
    task = {"id": uuid.uuid4(), "task_id": stage, "dag_id": dag_id, "run_id": RUN, "map_index": -1, "state": "success"}
    session.execute(insert(TaskInstance.__table__).values(**task, pool="default_pool", pool_slots=1, try_number=1))
    number = session.scalar(select(DagRun.id).where(DagRun.dag_id == dag_id, DagRun.run_id == RUN))
    keys = {"dag_id": dag_id, "run_id": RUN, "dag_run_id": number, "task_id": stage, "map_index": -1}
    session.execute(insert(XComModel.__table__).values(key="return_value", value=left, timestamp=NOW, **keys))
    session.commit()
