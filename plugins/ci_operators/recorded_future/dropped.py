"""Which detections does an answer name as dropped? Nobody publishes where: any mention of a `transient_id` counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

#: Members of an object that may say why it names a detection.
_REASONS = ("message", "reason", "error", "detail")
#: How long a note may be.
_NOTE_CHARACTERS = 300


def find_named(body: bytes, names: Mapping[str, str], quote: Callable[[str, int], str]) -> dict[str, str]:
    """Return those of the names that a JSON text mentions, as a text or as a member, each with a note.

    quote: makes of the API's words, and a length, what ledger and logs may hold (`Client.quote`).
    """
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return {name: quote(note, _NOTE_CHARACTERS) for name, note in _walk(answer) if name in names}


def _walk(answer: Any) -> Iterator[tuple[str, str]]:
    """Yield each text and each member's name with what stands beside it. Without recursion: an answer may be deep."""
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
