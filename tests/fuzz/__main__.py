"""Fuzzes for a given time: `python -m tests.fuzz --minutes 10 chain`. Without a target, all targets share the time."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.airflow_home import ROOT

TARGETS = sorted(path.stem.removeprefix("test_fuzzed_") for path in Path(__file__).parent.glob("test_fuzzed_*.py"))
#: One process, since the targets share the time. The output shows a finding without its log.
OPTIONS = ("-q", "-p", "no:cacheprovider", "-o", "timeout=0", "--numprocesses=0", "--show-capture=no")


def main(arguments: list[str]) -> int:
    """Run the targets and return pytest's exit status: 0 if nothing was found."""
    asked = _read(arguments)
    targets = asked.target or TARGETS
    minutes = asked.hours * 60 if asked.hours else asked.minutes
    told = {
        "FUZZ_MINUTES": str(minutes / len(targets)),
        "FUZZ_FOLDER": str(asked.folder.absolute()),
        **({"FUZZ_REPLAY": "1"} if asked.replay else {}),
    }
    paths = [str(Path(__file__).parent / f"test_fuzzed_{target}.py") for target in targets]
    command = [sys.executable, "-m", "pytest", *OPTIONS, *paths]
    return subprocess.call(command, env={**os.environ, **told}, cwd=ROOT)  # noqa: S603 - this Python, these files


def _read(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="*", choices=[[], *TARGETS], metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--minutes", type=float, default=5.0, help="in all (default: 5)")
    parser.add_argument("--hours", type=float)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "fuzz", help="where findings go")
    parser.add_argument("--replay", action="store_true", help="only the findings of earlier runs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
