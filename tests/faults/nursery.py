"""A process that has imported everything and waits: each order on stdin starts a child that runs a task.

    {"stages": [...], "point": ["before reserve", 2], "after_s": 0.01, ...} -> {"signal": 9, "done": [...], ...}

A child ends by itself or by SIGKILL, at a named instant or after a number of seconds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from datetime import timedelta
from typing import IO, Any

import requests

from ci_operators.core.window import Window
from ci_operators.ledger.access import make_engine
from ci_operators.sources.okta import api as okta
from ci_operators.sources.okta.options import OktaConnector
from ci_operators.stages import extraction
from simulator.settings import RECORDED_FUTURE_TOKEN, RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH
from tests.faults.line import Line
from tests.faults.points import Points, WatchedAdapter, WatchedDeliveries, WatchedPath, watch_engine
from tests.vendor_cases import LIVE, OKTA
from tests.virtual_time import NOON, VirtualTime


def main() -> None:
    """Serve orders until stdin ends."""
    for order in sys.stdin:
        print(json.dumps(_raise(json.loads(order))), flush=True)  # noqa: T201 - the answer


def _raise(order: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _live(order, writing)
    os.close(writing)
    if (after_s := order.get("after_s")) is not None:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading) as pipe:
        said = [json.loads(line) for line in pipe if line.endswith("\n")]
    _, status = os.waitpid(child, 0)
    done = {name: told for line in said for name, told in line.items()}
    return {"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None, "done": done}


def _live(order: dict[str, Any], writing: int) -> None:
    """Run the order's stages and end the process, whatever happens."""
    with os.fdopen(writing, "w") as pipe:
        try:
            _run(order, pipe)
        except BaseException:
            _tell(pipe, error=traceback.format_exc())
    os._exit(0)


def _run(order: dict[str, Any], pipe: IO[str]) -> None:
    name, nth = order.get("point") or ("", 0)
    points = WatchedPath.points = Points(name, nth)
    okta.PAGE_SIZE, extraction.PAGES_PER_PART = 3, 2  # so that there are parts to join
    with requests.Session() as session:
        session.mount("http://", WatchedAdapter(points))
        line = _line(order, session, points)
        for stage in order["stages"]:
            result = line.run_stage(stage)
            _tell(pipe, **{stage: {"extra": result.extra, "records_out": result.tally.records_out}})
    _tell(pipe, passed=dict(points.passed))


def _line(order: dict[str, Any], session: requests.Session, points: Points) -> Line:
    time, token = VirtualTime(), RECORDED_FUTURE_TOKEN
    engine = make_engine(order["ledger"])
    watch_engine(engine, points)
    if not order["search"]:
        token = RECORDED_FUTURE_TOKEN_WITHOUT_SEARCH
    return Line(
        connector=OktaConnector(  # its own destination, so that each order begins with an empty API
            name=order["connector"],
            batch_size=order["batch_size"],
            parallel_requests=order["parallel_requests"],
            destination_conn_id=order["connector"],
        ),
        source=OKTA.connect(order["vendors"], session, time),
        destination=LIVE.connect(order["vendors"], session, time, token),
        engine=engine,
        directory=WatchedPath(order["directory"]),
        window=Window(NOON - timedelta(hours=1), NOON),
        run_id=order["connector"],
        watch=lambda deliveries: WatchedDeliveries(deliveries, points),
    )


def _tell(pipe: IO[str], **what: Any) -> None:
    pipe.write(json.dumps(what) + "\n")
    pipe.flush()


if __name__ == "__main__":
    main()
