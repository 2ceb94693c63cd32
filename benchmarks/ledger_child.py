"""One measurement of `ledger`: `python -m benchmarks.ledger_child ledger|plain URL LEDGER COUNT` prints JSON."""

from __future__ import annotations

import json
import sys
import tempfile
import time
import uuid
from pathlib import Path

import requests

from ci_operators.ledger.access import make_engine, open_connection
from ci_operators.ledger.deliveries import Deliveries
from ci_operators.ledger.row import read_row
from ci_operators.recorded_future.api import API, submit
from ci_operators.stages.account import Rules
from ci_operators.stages.batches import cut_batches, make_submission
from ci_operators.stages.delivery import deliver_once
from ci_operators.stages.run import Terms
from ci_operators.staging.artifact import Artifact, read_artifact, write_artifact
from ci_operators.transport.api import Credentials, open_client
from ci_operators.transport.client import Client
from ci_operators.transport.pacing import Pacer

TERMS = Terms(organization_ids=(), batch_size=100)
_NO_LIMIT = 1_000_000_000


def main() -> None:
    """Deliver COUNT new detections; the clock starts once they are staged."""
    side, url, ledger, count = sys.argv[1:]
    client = open_client(API, Credentials("benchmark", url, "a" * 32), requests.Session(), Pacer())
    with tempfile.TemporaryDirectory() as folder:
        artifact = _stage(Path(folder) / "validate.jsonl.zst", int(count))
        started = time.perf_counter()
        if side == "ledger":
            _deliver(client, ledger, artifact, Path(folder))
        else:
            for batch in cut_batches(read_artifact(artifact), TERMS.batch_size):
                rows = [read_row("plain", text) for text in batch]
                submit(client, make_submission(rows, debug=False, organization_ids=()))
        print(json.dumps({"wall_s": time.perf_counter() - started}))


def _deliver(client: Client, ledger: str, artifact: Artifact, folder: Path) -> None:
    name = f"benchmark-{uuid.uuid4()}"
    rules = Rules(TERMS, "resend", allowed=_NO_LIMIT, allowed_for_waiting=_NO_LIMIT)
    with open_connection(make_engine(ledger)) as connection:
        deliveries = Deliveries(connection, name, "run", name)
        result = deliver_once(client, artifact, folder, rules, deliveries, lambda _rows: set())
    assert result.extra["accepted"] == result.tally.records_in


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
