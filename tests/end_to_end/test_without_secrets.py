"""After all other tests: no token and no payload is found in any log, artifact manifest or table."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from demo.airflow_server import DATABASE, LEDGER
from simulator.settings import OKTA_TOKEN, RECORDED_FUTURE_TOKEN, SENTINELONE_TOKEN
from tests.end_to_end.conftest import Installation
from tests.end_to_end.tenant import PAYLOAD_MARK

pytestmark = pytest.mark.airflow

TOKENS = (OKTA_TOKEN, SENTINELONE_TOKEN, RECORDED_FUTURE_TOKEN, "wrong-token-of-somebody")
FORBIDDEN = (*TOKENS, PAYLOAD_MARK)


def found_in(text: str, forbidden: tuple[str, ...]) -> list[str]:
    return [secret for secret in forbidden if secret in text]


def test_no_log_shows_a_secret_or_a_payload(installation: Installation) -> None:
    folders = (installation.settings.folder / "airflow" / "logs", installation.settings.logs)
    logs = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    tasks = [path for path in logs if "task_id=extract" in str(path)]
    assert len(tasks) > 15, "the logs lie elsewhere"
    assert {str(path): found for path in logs if (found := found_in(read(path), FORBIDDEN))} == {}


@pytest.mark.parametrize(
    ("database", "some", "forbidden"),
    [
        # XComs, rendered fields, state stores, the audit log; Airflow encrypts the Connections alone.
        (DATABASE, {"xcom", "task_instance", "log", "connection"}, FORBIDDEN),
        # The ledger keeps quarantined events, whole.
        (LEDGER, {"ledger_version"}, TOKENS),
    ],
)
def test_no_table_shows_what_it_should_not(
    installation: Installation, database: str, some: set[str], forbidden: tuple[str, ...]
) -> None:
    shown: dict[str, list[str]] = {}
    with closing(installation.address.postgres.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        tables = [row[0] for row in cursor.fetchall()]
        assert some <= set(tables)
        for table in tables:
            cursor.execute(f"SELECT coalesce(string_agg(t::text, chr(10)), '') FROM \"{table}\" t")  # noqa: S608
            if found := found_in(cursor.fetchone()[0], forbidden):
                shown[table] = found
    assert shown == {}


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
