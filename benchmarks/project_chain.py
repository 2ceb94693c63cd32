"""The chain from extract to validate as library calls: what the tasks do, without Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import requests

from ci_operators.attack import attack_table
from ci_operators.core.detection import Detection
from ci_operators.core.tally import Tally
from ci_operators.core.window import Window
from ci_operators.sources.registry import OPTIONS, load_source
from ci_operators.stages.contract import contract_for
from ci_operators.stages.extraction import extract
from ci_operators.stages.run import transform
from ci_operators.staging.artifact import Artifact, read_artifact
from ci_operators.transport.api import Credentials, open_client
from ci_operators.transport.pacing import Pacer

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def run(source_name: str, url: str, token: str, directory: Path) -> Artifact:
    """Return the artifact of validate. Waits for the vendor's rate limit are left out, because only the work counts."""
    source = load_source(source_name)
    connector = OPTIONS[source_name].model_validate({"name": "benchmark", "source": source_name})
    pacer = Pacer(sleep=lambda _seconds: None)
    client = open_client(source.api, Credentials("benchmark", url, token), requests.Session(), pacer)
    window = Window(_NOW - timedelta(days=1), _NOW)
    artifact = extract(partial(source.fetch, client, connector), window, source_name, directory).artifact
    mapped = Tally()
    for stage, step, tally in (
        ("filter", source.criteria(connector), Tally()),
        ("map", source.mapping(connector, mapped.note), mapped),
        ("validate", contract_for(attack_table()), Tally()),
    ):
        assert artifact is not None
        artifact = transform(stage, artifact, step, tally, directory).artifact
    assert artifact is not None
    return artifact


def read_detections(artifact: Artifact) -> Iterator[tuple[str, str]]:
    """Yield incident id and indicator of each detection."""
    decode = msgspec.json.Decoder(Detection).decode
    for records in read_artifact(artifact):
        for detection in map(decode, records):
            yield detection.incident.id, detection.ioc.value
