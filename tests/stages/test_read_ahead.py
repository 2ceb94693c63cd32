"""One item is produced ahead in another thread; errors and the end keep their positions."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ci_operators.stages.read_ahead import read_ahead


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_the_items_and_their_order_are_the_same(count: int) -> None:
    assert list(read_ahead(range(count))) == list(range(count))


def test_items_that_are_empty_do_not_end_it() -> None:
    assert list(read_ahead([[], None, 0])) == [[], None, 0]


def test_the_next_one_is_made_while_one_is_used() -> None:
    made = [threading.Event() for _ in range(3)]

    def make() -> Iterator[int]:
        for number, event in enumerate(made):
            assert threading.current_thread() is not threading.main_thread()
            event.set()
            yield number

    items = read_ahead(make())
    assert next(items) == 0
    assert made[1].wait(20)
    assert next(items) == 1
    assert made[2].wait(20)
    assert list(items) == [2]


def test_an_error_comes_in_its_place() -> None:
    def make() -> Iterator[int]:
        yield 1
        raise ValueError("damaged")

    items = read_ahead(make())
    assert next(items) == 1
    with pytest.raises(ValueError, match="damaged"):
        next(items)


def test_stopping_early_leaves_no_thread() -> None:
    items = read_ahead(iter(range(10)))
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]  # a generator
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reading")]
