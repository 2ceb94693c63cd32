"""One measurement of `delivery`: `python -m benchmarks.delivery_child project|plain SOURCE API LEDGER` prints JSON."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_TOKEN = "a" * 32


def main() -> None:
    """Run one side; the clock starts after the imports."""
    side, source, api, ledger = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        run = _SIDES[side](source, api, ledger, Path(folder))
        started = time.perf_counter()
        stored = run()
        wall_s = time.perf_counter() - started
        sizes = {path.name: path.stat().st_size for path in Path(folder).glob("*.jsonl.zst")}
        print(json.dumps({"wall_s": wall_s, "stored": stored, "staging_bytes": sizes}))


def _project(source: str, api: str, ledger: str, folder: Path) -> Callable[[], int]:
    import requests

    from benchmarks import ledger_child, project_chain  # not in the process of the plain script
    from ci_operators.attack import attack_table
    from ci_operators.recorded_future.api import API
    from ci_operators.sources.public_suffix import has_public_suffix
    from ci_operators.transport.api import Credentials, open_client
    from ci_operators.transport.pacing import Pacer

    attack_table(), has_public_suffix("example.com")  # a worker loads them before it forks a task

    def run() -> int:
        artifact = project_chain.run("okta", source, _TOKEN, folder)
        client = open_client(API, Credentials("benchmark", api, _TOKEN), requests.Session(), Pacer())
        ledger_child.deliver(client, ledger, artifact, folder)
        return artifact.records

    return run


def _plain(source: str, api: str, ledger: str, folder: Path) -> Callable[[], int]:
    from benchmarks import plain_okta

    del ledger, folder

    def run() -> int:
        payloads = plain_okta.run(source, _TOKEN, debug=False)
        plain_okta.deliver(payloads, api, _TOKEN)
        return sum(payload.count('"ioc":') for payload in payloads)

    return run


_SIDES = {"project": _project, "plain": _plain}

if __name__ == "__main__":
    main()
