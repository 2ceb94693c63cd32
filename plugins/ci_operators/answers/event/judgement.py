"""An event held against its connector's criteria, mapping and contract: what keeps it, why it has no ATT&CK codes."""

from __future__ import annotations

from collections.abc import Sequence
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
    degraded on the way. detections: what it becomes; of several, those that pass.
    """

    fate: str
    stage: str = ""
    code: str | None = None
    detail: str = ""
    notes: tuple[str, ...] = ()
    detections: Sequence[Row] = ()


def judge(connector: Connector, event: bytes) -> Judgement:
    """Return what the stages make of an event; the same steps as in a run, with nothing written."""
    notes = list[str]()
    passages = take_through(make_chain(connector, notes.append), event)
    rows = [read_row(connector.name, passage.record) for passage in passages if passage.verdict is None]
    first = passages[0]
    match None if rows else first.verdict:
        case Dropped(reason):
            return Judgement("dropped", first.stage, reason)
        case Quarantined(issue, detail=detail):
            return Judgement("quarantined", first.stage, issue, detail)
        case None:
            return Judgement("passed", notes=tuple(dict.fromkeys(notes)), detections=rows)


def say_keeping(connector: Connector, found: Judgement) -> str:
    """Return what keeps an event from becoming a detection, in words; "" if nothing does."""
    if found.code is None:
        return ""
    words = words_of(connector.source).get(found.code, found.code)
    if found.fate == "dropped":
        return f"the criteria exclude it ({found.code}): {words}"
    return f"it would be quarantined ({found.code}): {found.detail or words}"


def explain_codes(connector: Connector, found: Judgement) -> list[str]:
    """Return why an event's detections have no ATT&CK codes; nothing if all have some, or if there are none."""
    if all(row.codes for row in found.detections):
        return []
    words, faqs = words_of(connector.source), faqs_of(connector.source)
    told = [f"{words.get(code, code)} ({faqs[code]})" for code in found.notes if code in faqs]
    return told or ["What the event names stands for no ATT&CK code."]
