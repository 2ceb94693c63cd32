"""Split a page of JSON into its raw elements, without decoding them."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from ci_operators.core.errors import UnreadableAnswerError

Shape = TypeVar("Shape")
#: In a JSON text: an escaped backslash, a surrogate pair, or (group 1) a lone surrogate.
_SURROGATES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def decode_answer(body: bytes, decoder: msgspec.json.Decoder[Shape], title: str) -> Shape:
    """Return what `decoder` makes of an answer's body.

    Raises UnreadableAnswerError, with what the body is: empty, HTML, cut off, or of another shape.
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
    page = b"".join(texts)  # vendors usually write no line breaks: one search for all
    if b"\n" in page or b"\r" in page:
        return [msgspec.json.format(text, indent=-1) for text in texts]
    return texts


def _replace_lone_surrogates(text: bytes) -> bytes:
    """Return the text with U+FFFD for lone surrogates, as in cut names and Windows file names.

    JSON's grammar allows them, msgspec does not: one event would make its page unreadable forever.
    """
    return _SURROGATES.sub(lambda match: rb"\ufffd" if match[1] else match[0], text)


def _describe(body: bytes) -> str:
    start = body[:200].lstrip().lower()
    if not start:
        return "an empty body"
    if start.startswith((b"<!doctype", b"<html", b"<head")):
        return "an HTML page, often from a proxy or a login"
    return f"{len(body)} bytes that are not the expected JSON"
