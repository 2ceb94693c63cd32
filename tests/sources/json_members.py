"""The members of JSON values: found at every depth, removed, replaced, and generated."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st


def damaged(text: bytes) -> st.SearchStrategy[bytes]:
    """Return texts that differ from a valid one in a few bytes, or are truncated."""
    places = st.integers(0, len(text))
    inserted = st.tuples(places, st.binary(max_size=3)).map(lambda cut: text[: cut[0]] + cut[1] + text[cut[0] + 1 :])
    return inserted | places.map(lambda place: text[:place])


def json_values(keys: list[str]) -> st.SearchStrategy[Any]:
    """Return JSON values whose objects mostly have the keys that a source reads."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["T1055", "TA0006"])
    names = st.sampled_from(keys) | st.text(max_size=3)
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=8), max_leaves=20
    )


def keys_of(value: Any) -> set[str]:
    """Return the names of all members at every depth."""
    if isinstance(value, dict):
        return set(value).union(*(keys_of(member) for member in value.values()))
    return set().union(*(keys_of(item) for item in value)) if isinstance(value, list) else set()


def texts_of(value: Any) -> set[str]:
    """Return all texts at every depth."""
    if isinstance(value, str):
        return {value}
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*(texts_of(item) for item in items))


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all members and items at every depth."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, member in pairs for found in ((*path, key), *paths_of(member, (*path, key)))]


def find_member(event: Any, path: tuple[Any, ...]) -> Any:
    """Return the member or item at a path."""
    return _holder(event, path)[path[-1]]


def without(event: Any, path: tuple[Any, ...]) -> Any:
    """Return a copy of an event without a member or item."""
    changed = json.loads(json.dumps(event))
    del _holder(changed, path)[path[-1]]
    return changed


def with_member(event: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of an event with another member or item."""
    changed = json.loads(json.dumps(event))
    _holder(changed, path)[path[-1]] = value
    return changed


def _holder(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        value = value[key]
    return value
