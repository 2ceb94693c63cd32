"""A vendor's answers of any kind through extract, filter, map and validate: every event accounted for, or one error."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import requests

from ci_operators.attack import attack_table
from ci_operators.core.connector import Connector
from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Step
from ci_operators.sources.source import Source
from ci_operators.stages.contract import contract_for
from ci_operators.stages.extraction import extract
from ci_operators.stages.run import StageResult, transform
from ci_operators.transport.client import Client
from simulator.exchange import RefusalError
from simulator.recorded_future.entry_rules import check_entry
from tests.artifacts import read_all
from tests.faults.line import check_stage
from tests.fuzz.answering import URL, Reply, open_session, spoil
from tests.fuzz.choices import Choices
from tests.fuzz.conftest import Fuzz
from tests.fuzz.damage import damage, damage_text, encode
from tests.fuzz.errors import check_plain, expect_own_errors
from tests.psengine_models import is_accepted_by_psengine
from tests.sources.okta.specimens import SPECIMENS as OKTA
from tests.sources.sentinelone.specimens import SPECIMENS as SENTINELONE
from tests.sources.specimens import Specimens
from tests.vendor_cases import WINDOW
from tests.virtual_time import VirtualTime

OPTIONS: dict[str, tuple[dict[str, Any], ...]] = {
    "okta": ({}, {"private_addresses": "drop"}),
    "sentinelone": (
        {},
        {"only_analyst_verified": True},
        {"false_positives": "drop", "command_line_hashes": "drop", "trivial_hashes": "drop"},
        {"detection_time": "created_at"},
    ),
}


def _collect(specimens: Specimens) -> tuple[Any, ...]:
    """Return what damage begins with: events of all kinds, from specimens and golden cases."""
    golden = (Path(__file__).parents[1] / "sources" / specimens.source.name / "golden").glob("*.json")
    cases = [json.loads(path.read_bytes()).get("event") for path in sorted(golden)]
    return tuple(event for event in (*(each.event for each in specimens.all), *cases) if isinstance(event, dict))


EVENTS = {"okta": _collect(OKTA), "sentinelone": _collect(SENTINELONE)}


def test_chain(fuzz: Fuzz, tmp_path: Path) -> None:
    fuzz("chain", lambda choices: run_chain(choices, tmp_path), 1.0)


def run_chain(choices: Choices, directory: Path) -> str:
    """Return what came of one connector's window."""
    specimens = choices.pick((OKTA, SENTINELONE))
    connector = specimens.connector(choices.pick(OPTIONS[specimens.source.name]))
    vendor = Vendor(specimens, choices)
    with open_session(vendor.answer) as session:
        client = specimens.case.connect(URL, session, VirtualTime())
        folder = Path(tempfile.mkdtemp(dir=directory))  # what extract leaves for its next try is not for this one
        chain = Chain(specimens.source, connector, client, folder)
        error = expect_own_errors(chain.run, specimens.case.token)
    if error is not None:
        return f"{specimens.source.name}: {error}"
    if vendor.is_countable:
        assert chain.results["extract"].tally.records_in == vendor.elements, "events went missing before extract's end"
    chain.check_detections()
    codes = {code for each in chain.results.values() for code in (*each.tally.dropped, *each.tally.quarantined)}
    return f"{specimens.source.name}: {', '.join(sorted(codes)) or 'all passed'}"


@dataclass
class Chain:
    """The stages of one window, each checked when it is done."""

    source: Source
    connector: Connector
    client: Client
    directory: Path
    results: dict[str, StageResult] = field(default_factory=dict)

    def run(self) -> None:
        """Do all stages; raises the errors of extract."""
        fetch = partial(self.source.fetch, self.client, self.connector)
        self._check("extract", None, extract(fetch, WINDOW, "events", self.directory))
        self._transform("filter", "extract", self.source.criteria(self.connector), Tally())
        tally = Tally()
        self._transform("map", "filter", self.source.mapping(self.connector, tally.note), tally)
        self._transform("validate", "map", contract_for(attack_table()), Tally())

    def check_detections(self) -> None:
        """Hold what map gives against all who take it, and against map once more."""
        step = self.source.mapping(self.connector, lambda _: None)
        again = [step(event) for event in read_all(self.results["filter"].artifact)]
        mapped = read_all(self.results["map"].artifact)
        assert [each for each in again if isinstance(each, bytes)] == mapped, "mapping twice gives two things"
        refused = self.results["validate"].tally.quarantined
        assert not refused, f"map gives what validate refuses: {refused}"
        for detection in mapped:
            check_detection(detection)

    def _transform(self, stage: str, before: str, step: Step, tally: Tally) -> None:
        source = self.results[before].artifact
        assert source is not None
        self._check(stage, source, transform(stage, source, step, tally, self.directory))

    def _check(self, stage: str, before: Any, result: StageResult) -> None:
        self.results[stage] = result
        check_stage(before, result)
        check_plain([result.tally.samples, result.extra, result.tally.notes])
        dropped = [json.loads(entry) for entry in read_all(result.side_artifacts.get("dropped"))]
        assert len(dropped) == result.tally.dropped.total()
        assert not [path for path in self.directory.iterdir() if path.name.startswith(".")], "a draft is left"


def check_detection(detection: bytes) -> None:
    """Hold a detection against Recorded Future's own models and the simulated API."""
    assert is_accepted_by_psengine(detection), f"psengine refuses {detection[:300]!r}"
    try:
        check_entry(json.loads(detection), "data[0]")
    except RefusalError as refusal:
        raise AssertionError(f"the API refuses {detection[:300]!r}: {refusal.reply.body!r}") from refusal


class Vendor:
    """Answers with up to three pages, damaged; then with empty ones."""

    def __init__(self, specimens: Specimens, choices: Choices) -> None:
        self.name, self.choices = specimens.source.name, choices
        self.pages = list(range(choices.below(3) + 1))
        self.elements, self.is_countable = 0, True

    def answer(self, request: requests.PreparedRequest) -> Reply:
        """Return the answer to one request."""
        del request
        if not self.pages:
            return Reply(body=b"[]" if self.name == "okta" else b'{"data":[]}')
        page = self.pages[0]
        reply = spoil(self._body(), self._headers(page), self.choices)
        if reply.status == 200 and not reply.broken:
            self.pages.pop(0)
            self._count(reply)
        return reply

    def _body(self) -> bytes:
        events = [damage(event, self.choices) for event in self._events()]
        if self.name == "okta":
            page: Any = events
        else:
            cursor = self.choices.pick((None, "", "null", "YWdlbnQ%3D", "YWdlbnQ%3D", "%", "\ud800", "x" * 5000, 7))
            page = {"data": events, "pagination": {"nextCursor": cursor, "totalItems": 0}, "errors": []}
        page = damage(page, self.choices) if self.choices.happens(4) else page
        return damage_text(encode(page, self.choices), self.choices)

    def _events(self) -> Iterator[Any]:
        for _ in range(self.choices.below(4) + 1):
            yield self.choices.pick(EVENTS[self.name])

    def _headers(self, page: int) -> dict[str, str]:
        if self.name != "okta" or self.choices.happens(2):
            return {}
        number = page if self.choices.happens(3) else 0
        return {"Link": f'<{URL}/api/v1/logs?limit=1000>; rel="self", <{URL}/api/v1/logs?after={number}>; rel="next"'}

    def _count(self, reply: Reply) -> None:
        """Count the page's elements as the standard library reads them, where the whole body is what is read."""
        if {"Content-Encoding", "Content-Length", "Transfer-Encoding"} & set(reply.headers):
            self.is_countable = False
            return
        try:
            page = json.loads(reply.body.decode())
            self.elements += len(page if self.name == "okta" else page["data"])
        except (ValueError, TypeError, LookupError, RecursionError):
            self.is_countable = False
