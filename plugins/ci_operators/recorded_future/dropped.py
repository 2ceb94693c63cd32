"""The detections that an answer names as dropped: no page says where, so any mention of a `transient_id` counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

#: Members of an object that can say why it names a detection.
_REASONS = ("message", "reason", "error", "detail")
#: The longest note.
_NOTE_CHARACTERS = 300


def find_named(body: bytes, names: Mapping[str, str], quote: Callable[[str, int], str]) -> dict[str, str]:
    """Return the names that a JSON text mentions, as a value or as a member, each with a note.

    quote: makes the API's words, up to a length, safe for the ledger and logs (`Client.quote`).
    """
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return {name: quote(note, _NOTE_CHARACTERS) for name, note in _walk(answer) if name in names}


def _walk(answer: Any) -> Iterator[tuple[str, str]]:
    """Yield each text and each member's name with the text next to it. It does not recurse: an answer can be deep."""
    left = [("the answer", answer)]
    while left:
        place, value = left.pop()
        if isinstance(value, str):
            yield value, f"named in {place}"
        elif isinstance(value, list):
            left += [(place, each) for each in value]
        elif isinstance(value, dict):
            reason = next((value[name] for name in _REASONS if isinstance(value.get(name), str)), "")
            yield from ((name, f"named in {place}: {_say(each)}") for name, each in value.items())
            left += [(f"{name}: {reason}" if reason else name, each) for name, each in value.items()]


def _say(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
