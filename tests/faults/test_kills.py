"""SIGKILL at every instruction that matters, and at random ones: after retries, delivery is exact.

Only detections that the run has reported as resent may be duplicated in the API; with the search, none may be.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import URL

from ci_operators.core.tally import STAGES
from ci_operators.ledger.access import make_engine
from simulator import Limits, Simulator, serve
from tests.faults.line import Identity, check_staging, expected, find_held, resent, stored
from tests.ledger.samples import NO_ADDRESS, detection, stage
from tests.sources.okta.specimens import SPECIMENS
from tests.virtual_time import NOON, VirtualTime

#: The minimum number of killed processes.
KILLS_WANTED = 200
RANDOM_KILLS = 70
GOOD = [detection(number) for number in range(9)]
#: The API refuses one; one is there twice.
BATCHES = [*GOOD[:5], detection(90, value=NO_ADDRESS), *GOOD[5:], GOOD[2]]


@dataclass
class Nursery:
    """The process that starts the children; `killed` counts the children that died by SIGKILL, by instant."""

    process: subprocess.Popen[str]
    killed: Counter[str] = field(default_factory=Counter)

    def run(self, order: dict[str, Any]) -> dict[str, Any]:
        """Run one child to its end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert "error" not in answer["done"], answer["done"]["error"]
        if answer["signal"] is not None:
            point = order.get("point")
            self.killed[point[0] if point else "at random"] += 1
        return answer


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """A process that forks quickly, since it has no threads and has imported everything."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "tests.faults.nursery"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(  # noqa: S603 - our own program
        command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def ward(nursery: Nursery, migrated_database: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """The vendors, the ledger and the staging area of all kills of this module."""
    events = [SPECIMENS.make_event(NOON.replace(hour=11, minute=number), number) for number in range(20)]
    for event in events:
        event["debugContext"] = {"debugData": {"text": str(random.Random(0).randbytes(500))}}
    simulator = Simulator(clock=VirtualTime(), okta_events=events, scenario=False, limits=Limits.off())
    with serve(simulator):
        yield Ward(nursery, simulator, migrated_database, tmp_path_factory.mktemp("kills"), events)


@dataclass
class Ward:
    """Runs tasks that are killed, and compares the stored detections with the expected ones."""

    nursery: Nursery
    simulator: Simulator
    ledger: URL
    folder: Path
    events: list[Any]
    runs: int = 0

    def order(self, stages: tuple[str, ...], *, search: bool, parallel_requests: int = 1) -> dict[str, Any]:
        """Return the order of a new run whose store and staging area are empty."""
        self.runs += 1
        name = f"kill-{self.runs}"
        self.simulator.reset()
        (self.folder / name).mkdir()
        if stages == ("submit",):
            stage(self.folder / name, BATCHES)
        return {
            "connector": name,
            "batch_size": 1 if parallel_requests > 1 else 3 if stages == ("submit",) else 7,
            "parallel_requests": parallel_requests,
            "stages": list(stages),
            "search": search,
            "vendors": self.simulator.url,
            "ledger": self.ledger.render_as_string(hide_password=False),
            "directory": str(self.folder / name),
        }

    def run_until_done(self, order: dict[str, Any], kills: list[dict[str, Any]]) -> dict[str, Any]:
        """Run the order's stages with the given kills, each time again from the killed stage."""
        stages, done = list(order["stages"]), dict[str, Any]()
        for kill in [*kills, {}]:
            answer = self.nursery.run({**order, "stages": stages, **kill})
            done |= answer["done"]
            stages = [name for name in stages if name not in done]
            self._let_the_server_finish()
            if not stages:
                break
        assert not stages, f"{stages} did not come to their end"
        return done

    def _let_the_server_finish(self) -> None:
        """Send a request that is answered only after all earlier requests."""
        requests.get(f"{self.simulator.url}/simulator/health", timeout=30).raise_for_status()

    def check(self, order: dict[str, Any], done: dict[str, Any]) -> None:
        """Compare the stored detections with the expected ones."""
        found, wanted = stored(self.simulator.detections), self.wanted(order)
        twice, missing = found - wanted, wanted - found
        again = int(done["submit"]["extra"]["resent_unknown"])
        on_hold = find_held(make_engine(self.ledger), order["connector"])
        assert set(missing) <= on_hold, f"{missing} are lost, held are {on_hold}"
        assert twice.total() <= again, f"{twice} are there twice, reported are {again}"
        assert set(twice) <= resent(make_engine(self.ledger), order["connector"])
        assert not (twice and order["search"]), f"the search finds all, and yet {twice} are there twice"
        check_staging(Path(order["directory"]))

    def wanted(self, order: dict[str, Any]) -> Counter[Identity]:
        """Return the detections that must be stored."""
        if order["stages"] == ["submit"]:
            return expected(GOOD)
        return Counter({(event["uuid"], "ip", event["actor"]["displayName"]): 1 for event in self.events})


def instants(ward: Ward, stages: tuple[str, ...]) -> list[tuple[str, int]]:
    """Return the named instants of a run without kills: the first, the middle and the last of each name."""
    order = ward.order(stages, search=True)
    done = ward.run_until_done(order, [])
    ward.check(order, done)
    return [(name, nth) for name, count in done["passed"].items() for nth in sorted({1, (count + 1) // 2, count})]


@pytest.mark.parametrize("search", [True, False], ids=["search", "no search"])
def test_killed_at_each_named_instant_of_submit(ward: Ward, *, search: bool) -> None:
    names = instants(ward, ("submit",))
    must = {"before reserve", "after reserve", "before a request to detections", "detections answered, unread"}
    must |= {"before accept", "after accept", "before plan", "after plan", "before a commit", "inside a transaction"}
    must |= {"writing .submit.quarantined.jsonl.zst.draft", "after reject", "before release", "after find"}
    assert must <= {name for name, _ in names}
    for point in names:
        order = ward.order(("submit",), search=search)
        ward.check(order, ward.run_until_done(order, [{"point": point}]))


@pytest.mark.parametrize("search", [True, False], ids=["search", "no search"])
def test_killed_between_any_two_of_reserve_send_answer_and_settle_with_several_in_flight(
    ward: Ward, *, search: bool
) -> None:
    ledger = ("before reserve", "after reserve", "before a commit", "inside a transaction")
    for name in (*ledger, "before a request to detections", "detections answered, unread", "before accept"):
        for nth in (4, 6, 7) if name != "before accept" else (1,):
            order = ward.order(("submit",), search=search, parallel_requests=4)
            ward.check(order, ward.run_until_done(order, [{"point": (name, nth)}]))
    assert {"detections answered, unread", "after reserve", "before accept"} <= set(ward.nursery.killed)


def test_killed_at_each_named_instant_of_the_stages_before(ward: Ward) -> None:
    watched = ("draft", "logs", "removal")
    names = [point for point in instants(ward, STAGES) if any(word in point[0] for word in watched)]
    must = {"writing .extract.jsonl.zst.draft", "before the rename of .map.jsonl.zst.draft"}
    must |= {"after the rename of .extract.part3.jsonl.zst.draft", "after the rename of .extract.pages.jsonl.zst.draft"}
    must |= {"after the removal of extract.pages.jsonl.zst", "before the removal of extract.part1.jsonl.zst"}
    assert must <= {name for name, _ in names}
    for point in names:
        order = ward.order(STAGES, search=True)
        ward.check(order, ward.run_until_done(order, [{"point": point}]))


@pytest.mark.parametrize("search", [True, False], ids=["search", "no search"])
def test_killed_again_and_again_while_it_sends_again(ward: Ward, *, search: bool) -> None:
    """Detections that may have arrived stay marked through any number of further kills at any instant."""
    lost = {"point": ("detections answered, unread", 2)}
    for name in (
        "after plan",
        "before reserve",
        "inside a transaction",
        "after reserve",
        "before put_off",
        "after find",
    ):
        for nth in (1, 2, 3):
            order = ward.order(("submit",), search=search)
            ward.check(order, ward.run_until_done(order, [lost, {"point": (name, nth)}, lost]))


@pytest.mark.parametrize("search", [True, False], ids=["search", "no search"])
def test_killed_at_random_instants(ward: Ward, *, search: bool) -> None:
    chance = random.Random(7)
    before = ward.nursery.killed["at random"]
    while ward.nursery.killed["at random"] - before < RANDOM_KILLS // 2:
        order = ward.order(("submit",), search=search, parallel_requests=chance.choice([1, 4]))
        kills = [{"after_s": chance.uniform(0.002, 0.1)} for _ in range(chance.randint(1, 4))]
        ward.check(order, ward.run_until_done(order, kills))


def test_enough_processes_were_killed(ward: Ward, request: pytest.FixtureRequest) -> None:
    """This counts only when the whole module has run."""
    ran = {item.originalname for item in request.session.items if item.fspath == request.node.fspath}  # type: ignore[attr-defined]
    if len([name for name in ran if name.startswith("test_killed")]) == 5:
        assert ward.nursery.killed.total() >= KILLS_WANTED, ward.nursery.killed
