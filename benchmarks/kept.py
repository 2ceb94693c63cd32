"""Write the rows of a run as JSON, and read them to make its table and plot again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.row import Row

#: Rows by benchmark, in the order they were measured.
Measured = Mapping[str, Sequence[Row]]


def keep(measured: Measured, path: Path) -> None:
    """Write the rows of a run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({name: [asdict(row) for row in rows] for name, rows in measured.items()}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def read_kept(path: Path) -> dict[str, list[Row]]:
    """Return the rows of a kept run."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return {name: [Row(**row) for row in rows] for name, rows in found.items()}
