"""Time and memory to parse many connectors, compared with the same number of trivial DAGs from a loop in one file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.children import ROOT, Outcome, run_child
from benchmarks.row import Options, Row, interleave, median_of, show_count, show_megabytes
from ci_operators.sources import SOURCES as REGISTERED

#: DAGs -> repetitions.
SIZES = {1: 9, 100: 9, 1000: 7}
QUICK_SIZES = {1: 5, 100: 5}
AIM = 1.3
SOURCES = tuple(REGISTERED)


def run(options: Options) -> Iterator[Row]:
    """Yield four rows for each number of DAGs: parsing, serializing, size of a serialized one, memory."""
    for dags, repetitions in (QUICK_SIZES if options.quick else SIZES).items():
        with tempfile.TemporaryDirectory() as folder:
            sides = [partial(_parse_connectors, Path(folder), dags), partial(_parse_trivial, Path(folder), dags)]
            label = f"{show_count(dags)} DAG{'' if dags == 1 else 's'}"
            found = interleave(repetitions, sides, partial(_say, options, label))
        project, trivial = found
        for outcome in (*project, *trivial):
            assert outcome.said["chains"] == dags, outcome.said
        yield _time_row("parse", label, project, trivial, "parse_s", AIM)
        yield _time_row("serialize", label, project, trivial, "serialize_s", None)
        ours, theirs = (median_of(side, lambda outcome: float(outcome.said["dag_bytes"])) for side in found)
        yield Row("serialized DAG", label, f"{show_count(ours)} bytes", f"{show_count(theirs)} bytes", ours / theirs)
        yield _memory_row(label, project, trivial)


def _say(options: Options, label: str, sentence: str) -> None:
    options.say(f"{label}: {sentence}")


def _parse_connectors(folder: Path, dags: int) -> Outcome:
    connectors = folder / "connectors.yaml"
    entries = (
        f"  - name: tenant-{number}\n    source: {SOURCES[number % len(SOURCES)]}\n"
        f"    source_conn_id: tenant_{number}\n    update_frequency: 30 minutes\n    debug: false\n"
        for number in range(dags)
    )
    connectors.write_text("connectors:\n" + "".join(entries))
    return run_child("parse_child", str(ROOT / "dags"), environment=_environment(folder, str(connectors)))


def _parse_trivial(folder: Path, dags: int) -> Outcome:
    environment = {**_environment(folder, ""), "BENCHMARK_TRIVIAL_DAGS": str(dags)}
    return run_child("parse_child", str(ROOT / "benchmarks" / "dags"), environment=environment)


def _environment(folder: Path, connectors: str) -> dict[str, str]:
    return {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "COLLECTIVE_INSIGHTS_CONFIG": connectors,
    }


def _time_row(
    name: str, label: str, project: list[Outcome], trivial: list[Outcome], field: str, aim: float | None
) -> Row:
    ours, theirs = (median_of(side, lambda outcome: float(outcome.said[field])) for side in (project, trivial))
    ratio = ours / theirs
    words = "" if aim is None else f"≤ {aim:g} x trivial"
    met = None if aim is None else ratio <= aim
    return Row(name, label, f"{ours * 1e3:.0f} ms", f"{theirs * 1e3:.0f} ms", ratio, words, met, aim)


def _memory_row(label: str, project: list[Outcome], trivial: list[Outcome]) -> Row:
    ours, theirs = (median_of(side, lambda outcome: outcome.peak_bytes) for side in (project, trivial))
    return Row("parse memory", label, show_megabytes(ours), show_megabytes(theirs), ours / theirs)
