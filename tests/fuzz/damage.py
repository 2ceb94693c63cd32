"""Damage to a JSON document: to its tree, and to its text."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.fuzz.choices import Choices
from tests.fuzz.odd import NO_JSON, Raw, odd_text, odd_value

#: A place in a tree: a list or an object, and an index or a name in it.
Place = tuple[Any, Any]
#: An object's member of this name is written twice, since JSON allows duplicate names.
AGAIN = "\0again"


def damage(document: Any, choices: Choices, depth: int = 1000) -> Any:
    """Return the document with up to four of its places damaged, none of them deeper than `depth`."""
    holder = [copy.deepcopy(document)]
    for _ in range(choices.below(5)):
        place = choices.pick(list(_places(holder, depth)))
        choices.pick(_DAMAGES)(place, choices)
        if not holder:
            return None
    return holder[0]


def encode(document: Any, choices: Choices) -> bytes:
    """Return the document's text, more or less valid JSON."""
    is_ascii, is_wide = not choices.happens(4), choices.happens(8)
    return _encode(document, is_ascii=is_ascii, comma=b",\r\n " if is_wide else b",")


def damage_text(text: bytes, choices: Choices) -> bytes:
    """Return the text as damaged by a proxy, a cut connection or a careless vendor; mostly unchanged."""
    if not choices.happens(8):
        return text
    return choices.pick(_TEXT_DAMAGES)(text, choices)


def _places(value: Any, depth: int) -> Iterator[Place]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield value, key
        if depth:
            yield from _places(child, depth - 1)


def _replace(place: Place, choices: Choices) -> None:
    place[0][place[1]] = odd_value(choices)


def _delete(place: Place, choices: Choices) -> None:
    del choices
    del place[0][place[1]]


def _wrap(place: Place, choices: Choices) -> None:
    value = place[0][place[1]]
    place[0][place[1]] = [value] if choices.happens(2) else {"value": value}


def _repeat(place: Place, choices: Choices) -> None:
    holder, key = place
    if isinstance(holder, list):
        holder.extend(copy.deepcopy(holder[key]) for _ in range(1 + choices.below(20)))
    else:
        holder[f"{AGAIN}{key}"] = odd_value(choices)


def _rename(place: Place, choices: Choices) -> None:
    holder, key = place
    if isinstance(holder, dict):
        names = (key.lower(), f" {key}", key.swapcase(), odd_text(choices)[:200])
        holder[choices.pick(names)] = holder.pop(key)


def _change_text(place: Place, choices: Choices) -> None:
    value = place[0][place[1]]
    if isinstance(value, str):
        changed = (value.upper(), f" {value}\t", value + odd_text(choices), value[: len(value) // 2], value * 50)
        place[0][place[1]] = choices.pick(changed)
    else:
        place[0][place[1]] = odd_text(choices)


def _retype(place: Place, choices: Choices) -> None:
    del choices
    value = place[0][place[1]]
    place[0][place[1]] = json.dumps(value, default=repr) if not isinstance(value, str) else len(value)


_DAMAGES: tuple[Callable[[Place, Choices], None], ...] = (
    _replace,
    _replace,
    _change_text,
    _delete,
    _wrap,
    _repeat,
    _rename,
    _retype,
)


def _encode(value: Any, *, is_ascii: bool, comma: bytes) -> bytes:
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        members = (
            _encode(key.removeprefix(AGAIN), is_ascii=is_ascii, comma=comma)
            + b":"
            + _encode(child, is_ascii=is_ascii, comma=comma)
            for key, child in value.items()
        )
        return b"{%s}" % comma.join(members)
    if isinstance(value, list):
        return b"[%s]" % comma.join(_encode(child, is_ascii=is_ascii, comma=comma) for child in value)
    return json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")


def _cut(text: bytes, choices: Choices) -> bytes:
    return text[: choices.below(len(text) + 1)]


def _flip(text: bytes, choices: Choices) -> bytes:
    position = choices.below(len(text) + 1)
    return text[:position] + choices.take(1) + text[position + 1 :]


def _insert(text: bytes, choices: Choices) -> bytes:
    position = choices.below(len(text) + 1)
    return text[:position] + choices.pick(NO_JSON).text + text[position:]


_TEXT_DAMAGES: tuple[Callable[[bytes, Choices], bytes], ...] = (
    _cut,
    _flip,
    _insert,
    lambda text, _: b"\xef\xbb\xbf" + text,
    lambda text, _: text.decode("utf-8", "replace").encode("utf-16"),
    lambda text, _: text + text,
    lambda _, choices: choices.take(64),
    lambda _, choices: choices.pick(NO_JSON).text,
    lambda text, _: text.replace(b":", b" :\n\t"),
    lambda *_: b"<!DOCTYPE html><html><body>Sign in</body></html>",
    lambda *_: b"",
)
