"""Splitting a page of JSON into its raw elements, without decoding them."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from ci_operators.core.errors import UnreadableAnswerError

Shape = TypeVar("Shape")


def decode_answer(body: bytes, decoder: msgspec.json.Decoder[Shape], title: str) -> Shape:
    """Return what `decoder` makes of an answer's body.

    Raises UnreadableAnswerError naming what came instead: nothing, HTML, half a text, another shape.
    """
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as err:
        raise UnreadableAnswerError(f"{title} answered 200 with {_describe(body)} ({err}).") from None


def cut_elements(elements: list[msgspec.Raw]) -> list[bytes]:
    """Return the elements' texts, each on one line."""
    return [_on_one_line(bytes(element)) for element in elements]


def _on_one_line(text: bytes) -> bytes:
    if b"\n" not in text and b"\r" not in text:
        return text
    return msgspec.json.format(text, indent=-1)


def _describe(body: bytes) -> str:
    start = body[:200].lstrip().lower()
    if not start:
        return "an empty body"
    if start.startswith((b"<!doctype", b"<html", b"<head")):
        return "an HTML page, often a proxy's or a login page"
    return f"{len(body)} bytes that are not the JSON it should be"
