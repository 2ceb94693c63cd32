"""Splitting a page of JSON into its raw elements, without decoding them."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from ci_operators.core.errors import UnreadableAnswerError

Shape = TypeVar("Shape")
#: In a JSON text: an escaped backslash, a pair of surrogates, or (group 1) half of one.
_SURROGATES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def decode_answer(body: bytes, decoder: msgspec.json.Decoder[Shape], title: str) -> Shape:
    """Return what `decoder` makes of an answer's body.

    Raises UnreadableAnswerError naming what came instead: nothing, HTML, half a text, another shape.
    """
    try:
        try:
            return decoder.decode(body)
        except msgspec.DecodeError:
            return decoder.decode(_replace_lone_surrogates(body))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as err:
        raise UnreadableAnswerError(f"{title} answered 200 with {_describe(body)} ({err}).") from None


def cut_elements(elements: list[msgspec.Raw]) -> list[bytes]:
    """Return the elements' texts, each on one line."""
    texts = list(map(bytes, elements))
    page = b"".join(texts)  # vendors write without line breaks as a rule: one look at all of them
    if b"\n" in page or b"\r" in page:
        return [msgspec.json.format(text, indent=-1) for text in texts]
    return texts


def _replace_lone_surrogates(text: bytes) -> bytes:
    """Return the text with U+FFFD for half characters, as cut names and Windows file names have them.

    JSON's grammar allows them, msgspec does not: one event would make a whole page unreadable, for ever.
    """
    return _SURROGATES.sub(lambda match: rb"\ufffd" if match[1] else match[0], text)


def _describe(body: bytes) -> str:
    start = body[:200].lstrip().lower()
    if not start:
        return "an empty body"
    if start.startswith((b"<!doctype", b"<html", b"<head")):
        return "an HTML page, often a proxy's or a login page"
    return f"{len(body)} bytes that are not the JSON it should be"
