"""Staging is full: no artifact is left, nothing is sent, and the retry with enough room is exact."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import Engine

from ci_operators.core.errors import StagingError
from ci_operators.core.tally import STAGES
from simulator import Limits, Simulator, serve
from tests.faults.line import Line, check_staging, expected, stored
from tests.ledger.samples import NO_ADDRESS, detection, detections, stage
from tests.noting_session import NotingSession
from tests.sources.okta.specimens import SPECIMENS, threat_event
from tests.vendor_cases import LIVE, WINDOW
from tests.virtual_time import NOON, VirtualTime

FULL = r"The staging area is full \(No space left on device\): .*run\. Free space, or shorten"


class SmallDisk(type(Path())):  # type: ignore[misc]  # the platform's own kind of path
    """A path on a disk with room for `room` more bytes."""

    room: ClassVar[int] = 0

    def open(self, *arguments: Any, **named: Any) -> Any:
        """Open the file; writes fail when the room is used up."""
        file = super().open(*arguments, **named)
        return SmallFile(file) if "w" in str(arguments[:1]) else file


@dataclass
class SmallFile:
    """Writes what fits, then fails because the disk is full."""

    file: Any

    def __enter__(self) -> SmallFile:
        self.file.__enter__()
        return self

    def __exit__(self, *error: Any) -> Any:
        return self.file.__exit__(*error)

    def write(self, data: Any) -> int:
        """Write what fits."""
        fits = min(len(data), SmallDisk.room)
        self.file.write(bytes(data)[:fits])
        SmallDisk.room -= fits
        if fits < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@pytest.fixture
def line(ledger_engine: Engine, tmp_path: Path) -> Iterator[Line]:
    """A run over events that are kept, dropped and quarantined."""
    time = VirtualTime()
    events = [SPECIMENS.make_event(NOON.replace(hour=11, minute=number), number) for number in range(9)]
    events[1] |= {"actor": {"displayName": None}}
    events[2] |= {"actor": threat_event()["actor"] | {"displayName": "no address"}}
    simulator = Simulator(clock=time, okta_events=events, scenario=False, limits=Limits.off())
    with serve(simulator), NotingSession() as session:
        yield Line(
            connector=SPECIMENS.connector(),
            source=SPECIMENS.case.connect(simulator.url, session, time),
            destination=LIVE.connect(simulator.url, session, time),
            engine=ledger_engine,
            directory=SmallDisk(tmp_path / "run"),
            window=WINDOW,
        )


@pytest.mark.parametrize("room", [0, 1, 60])
@pytest.mark.parametrize("full", STAGES[:4])
def test_a_stage_without_room_leaves_nothing(full: str, room: int, line: Line) -> None:
    for stage_name in STAGES[:4]:
        if stage_name == full:
            SmallDisk.room = room
            with pytest.raises(
                StagingError, match=r"The staging area is full \(No space left on device\): .*run\. Free space"
            ):
                line.run_stage(stage_name)
            assert not list(line.directory.glob(f"*{stage_name}*"))
            check_staging(line.directory)
        SmallDisk.room = 1_000_000
        line.run_stage(stage_name)
    assert line.run_stage("submit").extra["accepted"] == 7


def test_submit_without_room_for_its_quarantine_is_exact_later(ledger_engine: Engine, tmp_path: Path) -> None:
    time = VirtualTime()
    texts = [*detections(range(3)), detection(9, value=NO_ADDRESS), *detections(range(3, 6))]
    with serve(Simulator(clock=time, scenario=False, limits=Limits.off())) as simulator, NotingSession() as session:
        stage(tmp_path / "run", texts)
        client = LIVE.connect(simulator.url, session, time)
        connector = SPECIMENS.connector({"batch_size": 3})
        line = Line(connector, client, client, ledger_engine, SmallDisk(tmp_path / "run"), WINDOW)
        SmallDisk.room = 0
        with pytest.raises(
            StagingError, match=r"The staging area is full \(No space left on device\): .*run\. Free space"
        ):
            line.run_stage("submit")
        assert [path.name for path in line.directory.iterdir()] == ["validate.jsonl.zst"]
        SmallDisk.room = 1_000_000
        assert line.run_stage("submit").tally.quarantined == {"rejected_by_api": 1}
        assert stored(simulator.detections) == expected(detections(range(6)))
