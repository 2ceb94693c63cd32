"""Any answers of a vendor in extract, filter, map and validate: every event is accounted for, or there is one error."""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from ci_operators.attack import attack_table
from ci_operators.core.connector import Connector
from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Step
from ci_operators.sources import SOURCES
from ci_operators.sources.source import Source
from ci_operators.stages.contract import contract_for
from ci_operators.stages.extraction import extract
from ci_operators.stages.run import StageResult, transform
from ci_operators.transport.client import Client
from simulator import Limits, Simulator
from simulator.exchange import Call, RefusalError
from simulator.instants import to_us
from simulator.recorded_future.entry_rules import check_entry
from simulator.vendors import KINDS
from tests.artifacts import read_all
from tests.faults.line import check_stage
from tests.fuzz.answering import URL, Reply, open_session, spoil
from tests.fuzz.choices import Choices
from tests.fuzz.conftest import Fuzz
from tests.fuzz.damage import damage, damage_text, encode
from tests.fuzz.errors import check_plain, expect_own_errors
from tests.psengine_models import is_accepted_by_psengine
from tests.sources.golden import golden_files
from tests.sources.specimens import Specimen, Specimens
from tests.vendor_cases import WINDOW
from tests.virtual_time import NOON, VirtualTime


def _find_specimens() -> list[Specimens]:
    modules = (import_module(f"tests.sources.{name}.specimens") for name in SOURCES)
    return [each for module in modules for each in vars(module).values() if isinstance(each, Specimens)]


def _collect(specimens: Specimens) -> list[Specimen]:
    """Return the undamaged input: events of all kinds and their options, from specimens and golden cases."""
    cases = [json.loads(path.read_bytes()) for path in golden_files(specimens)]
    golden = [Specimen(case.get("event"), case.get("options", {})) for case in cases]
    return [each for each in (*specimens.all, *golden) if isinstance(each.event, dict)]


KNOWN = [(specimens, _collect(specimens)) for specimens in _find_specimens()]


def test_chain(fuzz: Fuzz, tmp_path: Path) -> None:
    fuzz("chain", lambda choices: run_chain(choices, tmp_path), 1.0)


def run_chain(choices: Choices, directory: Path) -> str:
    """Return the outcome of one connector's window."""
    specimens, known = choices.pick(KNOWN)
    name = specimens.source.name
    connector = specimens.connector(choices.pick(known).options)
    vendor = Vendor(specimens, [choices.pick(known).event for _ in range(choices.below(8) + 1)], choices)
    with open_session(vendor.answer) as session:
        client = specimens.case.connect(URL, session, VirtualTime())
        folder = Path(tempfile.mkdtemp(dir=directory))  # files that extract keeps for its next try
        chain = Chain(specimens.source, connector, client, folder)
        error = expect_own_errors(chain.run, specimens.case.token)
    if error is not None:
        return f"{name}: {error}"
    if vendor.is_countable:
        assert chain.results["extract"].tally.records_in == vendor.elements, "events went missing before extract's end"
    chain.check_detections()
    codes = {code for each in chain.results.values() for code in (*each.tally.dropped, *each.tally.quarantined)}
    return f"{name}: {', '.join(sorted(codes)) or 'all passed'}"


@dataclass
class Chain:
    """The stages of one window, each checked after it is done."""

    source: Source
    connector: Connector
    client: Client
    directory: Path
    results: dict[str, StageResult] = field(default_factory=dict)

    def run(self) -> None:
        """Run all stages; raises the errors of extract."""
        fetch = partial(self.source.fetch, self.client, self.connector)
        self._check("extract", None, extract(fetch, WINDOW, "events", self.directory))
        self._transform("filter", "extract", self.source.criteria(self.connector), Tally())
        tally = Tally()
        self._transform("map", "filter", self.source.mapping(self.connector, tally.note), tally)
        self._transform("validate", "map", contract_for(attack_table()), Tally())

    def check_detections(self) -> None:
        """Check the output of map with all its readers and with a second run of map."""
        step = self.source.mapping(self.connector, lambda _: None)
        verdicts = [step(event) for event in read_all(self.results["filter"].artifact)]
        again = [text for each in verdicts for text in (each if isinstance(each, list) else [each])]
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
    """Check a detection with Recorded Future's own models and the simulated API."""
    assert is_accepted_by_psengine(detection), f"psengine refuses {detection[:300]!r}"
    try:
        check_entry(json.loads(detection), "data[0]")
    except RefusalError as refusal:
        raise AssertionError(f"the API refuses {detection[:300]!r}: {refusal.reply.body!r}") from refusal


class Vendor:
    """The simulated vendor, with pages of a few damaged events. It has faults, and its answers are damaged too."""

    def __init__(self, specimens: Specimens, events: list[Any], choices: Choices) -> None:
        self.choices, self.token_path = choices, specimens.token_path
        self.elements, self.is_countable = 0, True
        self.simulator = Simulator(clock=VirtualTime(), scenario=False, limits=Limits.off())
        texts = [encode(damage(event, choices), choices) for event in events]
        specimens.serve_events(self.simulator, texts)
        if choices.happens(8):
            name = specimens.case.name
            kinds = [kind for kind, vendors in KINDS.items() if name in vendors and kind != "slow"]
            self.simulator.add_fault(name, choices.pick(kinds), skip=choices.below(3))
            self.is_countable = False

    def answer(self, request: requests.PreparedRequest) -> Reply:
        """Return the answer to one request."""
        right = self.simulator.handle(_read_call(request)).reply
        if right is None:
            return Reply(broken="refused")
        names = dict.fromkeys(name for name, _ in right.headers)
        headers = {name: ", ".join(value for other, value in right.headers if other == name) for name in names}
        due = Reply(right.status, right.body, headers)
        reply = spoil(self._damage(due.body), headers, self.choices)
        reply = replace(reply, status=due.status) if reply.status == 200 else reply
        self.elements += right.facts.get("entries", 0)
        if reply != due or due.status >= 400:  # extract may start over, and read pages twice
            self.is_countable = False
        return reply

    def _damage(self, body: bytes) -> bytes:
        """Return the answer damaged near its top, where cursors are, or anywhere in its text; mostly unchanged."""
        if self.choices.happens(6):
            with suppress(ValueError, RecursionError):
                body = encode(damage(json.loads(body), self.choices, depth=self.choices.below(4) + 1), self.choices)
        return damage_text(body, self.choices)


def _read_call(request: requests.PreparedRequest) -> Call:
    """Return the request with a page size of two events, which a source sends with a thousand."""
    url = urlsplit(re.sub(r"(limit|top)=1000", r"\1=2", request.url or ""))
    body = request.body or b""
    text = re.sub(rb'("limit"|"first"): ?1000', rb"\1:2", body.encode() if isinstance(body, str) else body)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method or "", url.path, url.query, headers, text, URL, to_us(NOON))
