"""An event held against its connector's criteria, mapping and contract: what keeps it, why it has no ATT&CK codes."""

from __future__ import annotations

from dataclasses import dataclass

from ci_operators.answers.wording import faqs_of, words_of
from ci_operators.core.connector import Connector
from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.ledger.row import Row, read_row
from ci_operators.stages.chain import make_chain, take_through


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of an event by the connector's options as they stand.

    fate: "passed", else "dropped" or "quarantined" at `stage`, with its code and detail. notes: codes of what was
    degraded on the way. detection: what it becomes, None if it becomes none.
    """

    fate: str
    stage: str = ""
    code: str | None = None
    detail: str = ""
    notes: tuple[str, ...] = ()
    detection: Row | None = None


def judge(connector: Connector, event: bytes) -> Judgement:
    """Return what the stages make of an event; the same steps as in a run, with nothing written."""
    notes = list[str]()
    passage = take_through(make_chain(connector, notes.append), event)
    match passage.verdict:
        case Dropped(reason):
            return Judgement("dropped", passage.stage, reason)
        case Quarantined(issue, detail=detail):
            return Judgement("quarantined", passage.stage, issue, detail)
        case None:
            detection = read_row(connector.name, passage.record)
            return Judgement("passed", notes=tuple(dict.fromkeys(notes)), detection=detection)


def say_keeping(connector: Connector, found: Judgement) -> str:
    """Return what keeps an event from becoming a detection, in words; "" if nothing does."""
    if found.code is None:
        return ""
    words = words_of(connector.source).get(found.code, found.code)
    if found.fate == "dropped":
        return f"the criteria exclude it ({found.code}): {words}"
    return f"it would be quarantined ({found.code}): {found.detail or words}"


def explain_codes(connector: Connector, found: Judgement) -> list[str]:
    """Return why an event's detection has no ATT&CK codes; nothing if it has some, or if there is no detection."""
    if found.detection is None or found.detection.codes:
        return []
    words, faqs = words_of(connector.source), faqs_of(connector.source)
    told = [f"{words.get(code, code)} ({faqs[code]})" for code in found.notes if code in faqs]
    return told or ["What the event names stands for no ATT&CK code."]
