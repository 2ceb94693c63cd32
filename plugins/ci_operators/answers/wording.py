"""Codes in words: reasons, issues, notes and states as people read them, with the FAQ that asks for them."""

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
    State.PLANNED.name.lower(): "not sent; the next run that reads its window sends it",
    State.RESERVED.name.lower(): "its request is under way",
    State.ACCEPTED.name.lower(): "stored by Recorded Future",
    State.REJECTED.name.lower(): "refused by Recorded Future",
    State.UNKNOWN.name.lower(): "sent, and nobody can say whether Recorded Future has stored it",
    State.WAITING.name.lower(): "waits for the day's budget",
}

#: Code -> what it means, or which question it answers.
Codes = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of all codes. sources: by connector; one that is gone may have had any."""

    sources: Mapping[str, str]

    def say(self, connector: str, code: str) -> str:
        """Return a code of a connector in words; the code itself if there are none."""
        return words_of(self.sources.get(connector, "")).get(code, code)

    def name_faq(self, connector: str, code: str) -> str:
        """Return which question of Recorded Future's FAQ a code answers ("FAQ 2a of ..."), "" if none asks for it."""
        return faqs_of(self.sources.get(connector, "")).get(code, "")


def make_wording(connectors: Iterable[Connector]) -> Wording:
    """Return the words of all codes of the connectors."""
    return Wording({connector.name: connector.source for connector in connectors})


@cache
def words_of(source_name: str) -> Codes:
    """Return the words of all codes that a connector of a source can meet; "" stands for all sources."""
    if not source_name:
        return {code: words for name in OPTIONS for code, words in words_of(name).items()}
    source = load_source(source_name)
    shared = {**CONTRACT_ISSUES, **SUBMIT_REASONS, **SUBMIT_ISSUES}
    return {**source.notes, **source.drop_reasons, **source.issues, **shared}


@cache
def faqs_of(source_name: str) -> Codes:
    """Return which question of the source's page each code answers; "" stands for all sources."""
    if not source_name:
        return {code: question for name in OPTIONS for code, question in faqs_of(name).items()}
    source = load_source(source_name)
    return {code: f"{question} of Recorded Future's page on {source.title}" for code, question in source.faq.items()}


def say_state(state: str | None) -> str:
    """Return a detection's state in words, "" for one that the ledger does not know."""
    return STATES.get(state, state) if state else ""
