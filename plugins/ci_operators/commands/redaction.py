"""A record without what may be personal data: for a ticket, a chat, a screen that others see."""

from __future__ import annotations

import json
from typing import Any

from ci_operators.sources.registry import OPTIONS, load_source

HIDDEN = "***"
#: Names of members of a detection, and of quite any event, that do not identify a person.
SHOWN = frozenset({"type", "id", "timestamp", "mitre_codes", "field", "source_type"})


def redact_record(record: bytes) -> Any:
    """Return the record's structure; texts and numbers that may identify a person are `***`, null stays null.

    Hidden are all members that a source declares personal, and each value whose name no source declares to be shown:
    a member that a vendor adds tomorrow is hidden too.
    """
    sources = [load_source(name) for name in OPTIONS]
    personal = tuple(f".{path}" for source in sources for path in source.personal)
    shown = SHOWN.union(*(source.shown for source in sources))
    try:
        return _redact(json.loads(record), personal, shown)
    except (ValueError, RecursionError):
        return f"{HIDDEN} ({len(record)} bytes that are no JSON)"


def read_record(record: bytes) -> Any:
    """Return the record as it is; what is no JSON as text."""
    try:
        return json.loads(record)
    except (ValueError, RecursionError):
        return record.decode("utf-8", "backslashreplace")


def _redact(
    value: Any, personal: tuple[str, ...], shown: frozenset[str], path: str = "", *, is_shown: bool = False
) -> Any:
    if path.endswith(personal):  # wherever it is nested
        return _hide(value)
    if isinstance(value, dict):
        return {
            name: _redact(member, personal, shown, f"{path}.{name}", is_shown=name in shown)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [_redact(item, personal, shown, path, is_shown=is_shown) for item in value]
    return value if is_shown else _hide(value)


def _hide(value: Any) -> Any:
    """Return the structure of a value, with null and booleans: they say what is there, not what it is."""
    if isinstance(value, dict):
        return {name: _hide(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_hide(item) for item in value]
    return value if value is None or isinstance(value, bool) else HIDDEN
