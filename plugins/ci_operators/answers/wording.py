"""Words for codes: reasons, issues, notes and states, with the question of Recorded Future's FAQ behind each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from ci_operators.core.connector import Connector
from ci_operators.ledger.tables import State
from ci_operators.sources.registry import OPTIONS, load_source
from ci_operators.stages.account import DROP_REASONS as SUBMIT_REASONS
from ci_operators.stages.account import ISSUES as SUBMIT_ISSUES
from ci_operators.stages.contract import ISSUES as CONTRACT_ISSUES

STATES: Mapping[str, str] = {
    State.PLANNED.name.lower(): "not sent; the next run that reads its window will send it",
    State.RESERVED.name.lower(): "being sent now",
    State.ACCEPTED.name.lower(): "stored by Recorded Future",
    State.REJECTED.name.lower(): "rejected by Recorded Future",
    State.UNKNOWN.name.lower(): "sent, but it is not known whether Recorded Future stored it",
    State.WAITING.name.lower(): "waiting for the day's budget",
}

#: Code -> what it means, or which FAQ question it answers.
Codes = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wording:
    """The words for all codes. sources: by connector; one that is not in it can have the codes of any source."""

    sources: Mapping[str, str]

    def say(self, connector: str, code: str) -> str:
        """Return the words for a code of a connector, or the code itself if there are none."""
        return words_of(self.sources.get(connector, "")).get(code, code)

    def name_faq(self, connector: str, code: str) -> str:
        """Return the question of Recorded Future's FAQ that a code answers ("FAQ 2a of ..."), "" if there is none."""
        return faqs_of(self.sources.get(connector, "")).get(code, "")


def make_wording(connectors: Iterable[Connector]) -> Wording:
    """Return the words for all codes of the connectors."""
    return Wording({connector.name: connector.source for connector in connectors})


@cache
def words_of(source_name: str) -> Codes:
    """Return the words for all codes that a connector of a source can have; "" means all sources."""
    if not source_name:
        return {code: words for name in OPTIONS for code, words in words_of(name).items()}
    source = load_source(source_name)
    shared = {**CONTRACT_ISSUES, **SUBMIT_REASONS, **SUBMIT_ISSUES}
    return {**source.notes, **source.drop_reasons, **source.issues, **shared}


@cache
def faqs_of(source_name: str) -> Codes:
    """Return which question of the source's page each code answers; "" means all sources."""
    if not source_name:
        return {code: question for name in OPTIONS for code, question in faqs_of(name).items()}
    source = load_source(source_name)
    return {code: f"{question} of Recorded Future's page on {source.title}" for code, question in source.faq.items()}


def say_state(state: str | None) -> str:
    """Return the words for a detection's state, "" if there is none."""
    return STATES.get(state, state) if state else ""
