"""A query for a run's records, and the cursor of its next page."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Annotated

import msgspec

from ci_operators.answers.question import WrongQuestionError, read_question
from ci_operators.answers.run.artifacts import ARRIVED, StagedFile
from ci_operators.answers.run.record import Record
from ci_operators.answers.wording import STATES
from ci_operators.core.tally import STAGES

_LONGEST_CURSOR = 1000
FATES = ("all", "dropped", "quarantined", "detection")


@dataclass(frozen=True)
class RecordQuery:
    """Which of a run's records are wanted. Empty fields are ignored.

    search: a text in the event id, indicator, reason or issue code, ATT&CK code or state; the case of the letters a to
    z does not matter. event_id: only the records of this event.
    """

    fate: str = "all"
    code: str = ""
    stage: str = ""
    search: str = ""
    event_id: str = ""

    @classmethod
    def of(cls, fate: str = "all", code: str = "", stage: str = "", search: str = "") -> RecordQuery:
        """Return the query for what a person chose. Raises WrongQuestionError for an unknown outcome or stage."""
        if fate not in FATES:
            raise WrongQuestionError(f"Unknown outcome {fate[:40]!r}. Use one of: {', '.join(FATES)}.")
        if stage and stage not in STAGES:
            raise WrongQuestionError(f"Unknown stage {stage[:40]!r}. Use one of: {', '.join(STAGES)}.")
        return cls(fate, read_question(code, "The code"), stage, read_question(search))

    @cached_property
    def fingerprint(self) -> str:
        """Return a text that identifies this query."""
        return hashlib.sha256(msgspec.json.encode(astuple(self))).hexdigest()[:12]

    @cached_property
    def needle(self) -> bytes:
        """Return the bytes that the text of a wanted record contains, with letters a to z in lower case."""
        return _fold(self.event_id or self.search)

    @cached_property
    def asks_for_state(self) -> bool:
        """Return whether the search text can match a detection's state, which is not in the artifacts."""
        return bool(self.search) and any(self.needle in word.encode() for word in (*STATES, ARRIVED))

    def wants_file(self, file: StagedFile) -> bool:
        """Return whether an artifact can have wanted records."""
        fates = {"all", file.fate, *(("dropped",) if file.fate == "detection" and file.codes else ())}
        return self.fate in fates and self.stage in ("", file.stage) and (not self.code or self.code in file.codes)

    def needs_states(self, file: StagedFile) -> bool:
        """Return whether the states in the ledger decide which records of an artifact are wanted."""
        if file.fate == "dropped":
            return False
        sorts = file.fate == "detection" and bool(file.codes) and (self.fate != "all" or bool(self.code))
        return sorts or self.asks_for_state

    def may_be_in(self, text: bytes) -> bool:
        """Return whether a part of an artifact can have a wanted record, without regard to states in the ledger.

        If the text has a backslash, it always can: letters can be written as escapes.
        """
        if b"\\" in text:
            return True
        if self.code and self.code.encode() not in text:
            return False
        return not self.needle or self.needle in text.lower()

    def matches(self, record: Record) -> bool:
        """Return whether a record is wanted."""
        if self.fate not in ("all", record.fate) or (self.code and record.code != self.code):
            return False
        if self.event_id and record.event_id != self.event_id:
            return False
        texts = (record.event_id, record.indicator, record.code, record.state, *record.codes)
        needle = _fold(self.search)
        return not needle or any(needle in _fold(text) for text in texts if text)


def _fold(text: str) -> bytes:
    """Return a text for comparison: letters a to z in lower case, all others unchanged."""
    return text.encode("utf-8", "surrogatepass").lower()


_Place = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A place among a run's records, which a browser receives as text and sends back.

    question: fingerprint of the query that it belongs to; file: the artifact's name, or the ledger's part;
    offset: where the next line begins in the artifact's text; passed: lines before it; size: of the artifact, to
    detect that a retry wrote it again; key: where to continue in the ledger.
    """

    question: str
    file: str
    offset: _Place = 0
    passed: _Place = 0
    size: _Place = 0
    key: str = ""


_decode = msgspec.json.Decoder(Cursor).decode


def write_cursor(cursor: Cursor) -> str:
    """Return the cursor as a text."""
    return msgspec.json.encode(cursor).decode()


def read_cursor(text: str, question: str) -> Cursor:
    """Return the cursor in a text. Raises WrongQuestionError if it is invalid or belongs to another query."""
    if len(text) > _LONGEST_CURSOR:
        raise wrong_cursor()
    try:
        cursor = _decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        raise wrong_cursor() from None
    if cursor.question != question:
        raise WrongQuestionError("The cursor belongs to other filters. Start again with the first page.")
    return cursor


def wrong_cursor() -> WrongQuestionError:
    """Return the error for an invalid cursor."""
    return WrongQuestionError("The cursor is not valid. Start again with the first page.")
