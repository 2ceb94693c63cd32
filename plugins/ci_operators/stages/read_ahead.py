"""Read ahead: while one item is used, a thread makes the next one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def read_ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items, while a thread makes the next one. Raises the errors of `items`."""
    source = iter(items)
    with ThreadPoolExecutor(1, "reading") as pool:
        coming = pool.submit(_take, source)
        while found := coming.result():
            coming = pool.submit(_take, source)
            yield found[0]


def _take(source: Iterator[Item]) -> tuple[Item, ...]:
    """Return the next item in a tuple, or an empty tuple at the end."""
    for item in source:
        return (item,)
    return ()
