"""An event held against its connector's criteria, mapping and contract: what keeps it, why it has no ATT&CK codes."""

from __future__ import annotations

from dataclasses import dataclass

from ci_operators.answers.wording import faqs_of, words_of
from ci_operators.attack import attack_table
from ci_operators.core.connector import Connector
from ci_operators.core.verdict import Dropped, Quarantined
from ci_operators.ledger.row import Row, read_row
from ci_operators.sources.registry import load_source
from ci_operators.stages.contract import contract_for


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
    """Return what the stages make of an event; the same functions as in a run, with nothing written."""
    source, notes = load_source(connector.source), list[str]()
    steps = {
        "filter": source.criteria(connector),
        "map": source.mapping(connector, notes.append),
        "validate": contract_for(attack_table()),
    }
    record = event
    for stage, step in steps.items():
        verdict = step(record)
        if isinstance(verdict, Dropped):
            return Judgement("dropped", stage, verdict.reason)
        if isinstance(verdict, Quarantined):
            return Judgement("quarantined", stage, verdict.issue, verdict.detail)
        record = verdict
    return Judgement("passed", notes=tuple(dict.fromkeys(notes)), detection=read_row(connector.name, record))


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
