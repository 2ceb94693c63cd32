"""Which of a run's records are wanted, and which lines of an artifact cannot hold one of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ci_operators.answers.question import WrongQuestionError, read_question
from ci_operators.answers.run.cursor import fingerprint
from ci_operators.answers.run.files import ARRIVED, StagedFile
from ci_operators.answers.run.record import Record
from ci_operators.answers.wording import STATES
from ci_operators.core.tally import STAGES

FATES = ("all", "dropped", "quarantined", "detection")


@dataclass(frozen=True)
class RecordQuery:
    """What is wanted of a run's records; what is empty does not count.

    search: a text that stands in event id, indicator, reason or issue code, ATT&CK code or state, whatever the case
    of its letters a to z. event_id: of one event alone.
    """

    fate: str = "all"
    code: str = ""
    stage: str = ""
    search: str = ""
    event_id: str = ""

    @classmethod
    def of(cls, fate: str = "all", code: str = "", stage: str = "", search: str = "") -> RecordQuery:
        """Return the query that a person asks. Raises WrongQuestionError for a fate or stage that there is none of."""
        if fate not in FATES:
            raise WrongQuestionError(f"There is no fate {fate[:40]!r}; there are: {', '.join(FATES)}.")
        if stage and stage not in STAGES:
            raise WrongQuestionError(f"There is no stage {stage[:40]!r}; there are: {', '.join(STAGES)}.")
        return cls(fate, read_question(code, "The code"), stage, read_question(search))

    @property
    def fingerprint(self) -> str:
        """Return a text that tells this query from others."""
        return fingerprint(self.fate, self.code, self.stage, self.search, self.event_id)

    @cached_property
    def needle(self) -> bytes:
        """Return the bytes that a record's text cannot do without, letters a to z in small."""
        return fold(self.event_id or self.search)

    @cached_property
    def asks_for_state(self) -> bool:
        """Return whether what is wanted may stand in a detection's state, which no artifact holds."""
        return bool(self.search) and any(self.needle in word.encode() for word in (*STATES, ARRIVED))

    def wants_file(self, file: StagedFile) -> bool:
        """Return whether an artifact can hold wanted records."""
        fates = {"all", file.fate, *(("dropped",) if file.fate == "detection" and file.codes else ())}
        return self.fate in fates and self.stage in ("", file.stage) and (not self.code or self.code in file.codes)

    def needs_states(self, file: StagedFile) -> bool:
        """Return whether only the ledger can tell which records of an artifact are wanted."""
        if file.fate == "dropped":
            return False
        sorts = file.fate == "detection" and bool(file.codes) and (self.fate != "all" or bool(self.code))
        return sorts or self.asks_for_state

    def may_stand_in(self, text: bytes) -> bool:
        """Return whether a piece of an artifact may hold a wanted record, but for what the ledger says of it.

        Where the text has a backslash, a letter may be written in another way than as itself.
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
        needle = fold(self.search)
        return not needle or any(needle in fold(text) for text in _texts_of(record))


def fold(text: str) -> bytes:
    """Return a text as it is compared: letters a to z in small, all others as they are."""
    return text.encode("utf-8", "surrogatepass").lower()


def _texts_of(record: Record) -> list[str]:
    found = (record.event_id, record.indicator, record.code, record.state, *record.codes)
    return [text for text in found if text]
