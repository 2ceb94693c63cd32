"""Where the next page begins, as a text that a browser keeps and gives back."""

from __future__ import annotations

import base64
import binascii
import hashlib

import msgspec

from ci_operators.answers.question import WrongQuestionError

_LONGEST = 1000
_BROKEN = "The cursor is none of ours: begin again with the first page."


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A place among a run's records.

    question: fingerprint of the filters that it belongs to; file: the artifact's name, or the ledger's part;
    offset: where the next line begins in the artifact's text; passed: lines before it; size: of the artifact, so
    that one written again by a retry is noticed; key: where the ledger goes on.
    """

    question: str
    file: str
    offset: int = 0
    passed: int = 0
    size: int = 0
    key: str = ""


_decode = msgspec.json.Decoder(Cursor).decode


def write_cursor(cursor: Cursor) -> str:
    """Return the cursor as a text of letters, digits, "-" and "_"."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode("ascii")


def read_cursor(text: str, question: str) -> Cursor:
    """Return what the text says. Raises WrongQuestionError for one that is broken, or was given for other filters."""
    if len(text) > _LONGEST:
        raise WrongQuestionError(_BROKEN)
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        cursor = _decode(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise WrongQuestionError(_BROKEN) from None
    if not all(0 <= count < 1 << 62 for count in (cursor.offset, cursor.passed, cursor.size)):
        raise WrongQuestionError(_BROKEN)
    if cursor.question != question:
        raise WrongQuestionError("The cursor belongs to other filters: begin again with the first page.")
    return cursor


def fingerprint(*parts: str | None) -> str:
    """Return a short text that other filters do not give."""
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:12]
