"""Every cell of the fault matrix, and its table."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console
from sqlalchemy import URL

from ci_operators.ledger.access import make_engine
from simulator.vendors import KINDS
from tests.faults.cells import CELLS, FAULTS, Column, Fault
from tests.faults.matrix import Matrix, draw, open_matrix


@pytest.fixture(scope="module")
def matrix(migrated_database: URL) -> Iterator[Matrix]:
    """The matrix over the session's ledger: every cell has its own connector."""
    with open_matrix(make_engine(migrated_database)) as found:
        yield found


@pytest.mark.parametrize(
    ("fault", "column"), [pytest.param(*cell, id=f"{cell[0].name}-{cell[1].name}") for cell in CELLS]
)
def test_delivery_is_exact(fault: Fault, column: Column, matrix: Matrix) -> None:
    words = matrix.run(fault, column)
    assert words.startswith(("exact", "stops, then exact")) or "reported" in words or "held" in words


def test_every_fault_of_the_simulator_has_a_row() -> None:
    rows = {kind for fault in FAULTS for kind in (fault.before, fault.after) if kind}
    # These belong to sources without a column: tests/sources/test_stories.py and tests/sources/defender test them.
    assert rows | {"emptied_page", "expired_token", "partial_content"} == set(KINDS)


def test_the_table_shows_every_cell() -> None:
    console = Console(width=400, file=io.StringIO(), record=True)
    results = {(fault.name, column.name): "exact" for fault, column in CELLS}
    console.print(draw({**results, ("400", "validate (debug)"): "WRONG: x"}))
    text = console.export_text()
    assert all(fault.name in text for fault in FAULTS)
    assert text.count("exact") == len(CELLS) - 1
    assert text.count("WRONG: x") == 1
