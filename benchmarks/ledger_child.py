"""One measurement of `ledger`: `python -m benchmarks.ledger_child ledger|plain|floor URL LEDGER COUNT` prints JSON."""

from __future__ import annotations

import json
import sys
import tempfile
import time
import uuid
from itertools import islice
from pathlib import Path

import requests
from sqlalchemy import text as sql_text

from ci_operators.ledger.access import make_engine, open_connection
from ci_operators.ledger.bulk import copy_lines
from ci_operators.ledger.deliveries import Deliveries, find_connector
from ci_operators.ledger.delivery_sql import INSERT_BATCHES
from ci_operators.ledger.row import COLUMNS, read_row
from ci_operators.recorded_future.api import API, submit
from ci_operators.sources.okta.options import OktaConnector
from ci_operators.stages.account import Rules
from ci_operators.stages.batches import cut_batches, make_submission
from ci_operators.stages.delivery import BATCHES_PER_GROUP, deliver_once
from ci_operators.stages.run import Terms
from ci_operators.staging.artifact import Artifact, read_artifact, write_artifact
from ci_operators.transport.api import Credentials, open_client
from ci_operators.transport.client import Client
from ci_operators.transport.pacing import Pacer

TERMS = Terms(organization_ids=(), batch_size=100)
_NO_LIMIT = 1_000_000_000
_SETTLE = sql_text("UPDATE batch SET state = 2, settled_at = now() WHERE id = :id")


def main() -> None:
    """Deliver COUNT new detections; the clock starts once they are staged."""
    side, url, ledger, count = sys.argv[1:]
    client = open_client(API, Credentials("benchmark", url, "a" * 32), requests.Session(), Pacer())
    with tempfile.TemporaryDirectory() as folder:
        artifact = _stage(Path(folder) / "validate.jsonl.zst", int(count))
        started = time.perf_counter()
        if side == "ledger":
            deliver(client, ledger, artifact, Path(folder))
        elif side == "plain":
            for batch in cut_batches(read_artifact(artifact), TERMS.batch_size):
                rows = [read_row("plain", text) for text in batch]
                submit(client, make_submission(rows, debug=False, organization_ids=()))
        else:
            started = _write_floor(ledger, artifact)
        print(json.dumps({"wall_s": time.perf_counter() - started}))


def deliver(client: Client, ledger: str, artifact: Artifact, folder: Path) -> None:
    """Deliver as a run of a new connector with default options."""
    name = f"benchmark-{uuid.uuid4()}"
    at_once = OktaConnector(name="benchmark", source="okta").parallel_requests
    rules = Rules(TERMS, "resend", _NO_LIMIT, _NO_LIMIT, parallel_requests=at_once)
    with open_connection(make_engine(ledger)) as connection:
        deliveries = Deliveries(connection, name, "run", name)
        result = deliver_once(client, artifact, folder, rules, deliveries, lambda _rows: set())
    assert result.extra["accepted"] == result.tally.records_in


def _write_floor(ledger: str, artifact: Artifact) -> float:
    """Write only the rows of the same detections, and return the start time. Their lines are made before.

    Each group of batches is a COPY, and each batch an UPDATE that settles it. Each is a transaction.
    """
    name = f"floor-{uuid.uuid4()}"
    with open_connection(make_engine(ledger)) as connection:
        with connection.begin():
            number = find_connector(connection, name)
        groups = [
            [read_row(name, text) for text in group]
            for group in cut_batches(read_artifact(artifact), TERMS.batch_size * BATCHES_PER_GROUP)
        ]
        values = {"connector": number, "run": "run", "destination": name, "state": 1, "resends": 0}
        with connection.begin():
            sizes = [TERMS.batch_size] * sum(-(-len(group) // TERMS.batch_size) for group in groups)
            batches = sorted(connection.scalars(INSERT_BATCHES, {**values, "sizes": sizes}))
        left = iter(batches)
        numbered = [(list(islice(left, -(-len(group) // TERMS.batch_size))), group) for group in groups]
        lines = [
            (ids, "".join(row.to_line(ids[place // TERMS.batch_size], number) for place, row in enumerate(group)))
            for ids, group in numbered
        ]
        started = time.perf_counter()
        for ids, text in lines:
            with connection.begin():
                copy_lines(connection, "detection", COLUMNS, [text])
            for one in ids:
                with connection.begin():
                    connection.execute(_SETTLE, {"id": one})
    return started


def _stage(path: Path, count: int) -> Artifact:
    batch = uuid.uuid4().hex.encode()
    with write_artifact(path) as out:
        for number in range(count):
            out.write(_DETECTION % (number % 250, batch, number))
    return out.artifact


_DETECTION = (
    b'{"timestamp":"2026-01-01T10:00:00.000Z","ioc":{"type":"ip","value":"198.51.100.%d","source_type":"Okta",'
    b'"field":"actor.displayName"},"incident":{"id":"%s-%d","type":"security.threat.detected",'
    b'"name":"Request from suspicious actor"},"detection":{"name":"Okta Threat Detection: Password Spray",'
    b'"type":"correlation"},"mitre_codes":["T1110.003"]}'
)

if __name__ == "__main__":
    main()
