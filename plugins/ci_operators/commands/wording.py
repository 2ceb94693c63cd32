"""Codes in words: reasons, issues and states as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ci_operators.core.connector import Connector
from ci_operators.ledger.tables import State
from ci_operators.sources.registry import OPTIONS, load_source
from ci_operators.stages.contract import ISSUES as CONTRACT_ISSUES
from ci_operators.stages.delivery import DROP_REASONS as SUBMIT_REASONS
from ci_operators.stages.delivery import ISSUES as SUBMIT_ISSUES

STATES: Mapping[str, str] = {
    State.PLANNED.name.lower(): "not sent; the next run that reads its window sends it",
    State.RESERVED.name.lower(): "its request is under way",
    State.ACCEPTED.name.lower(): "stored by Recorded Future",
    State.REJECTED.name.lower(): "refused by Recorded Future",
    State.UNKNOWN.name.lower(): "sent, and nobody can say whether Recorded Future has stored it",
    State.WAITING.name.lower(): "waits for the day's budget",
}


def make_words(connectors: Iterable[Connector]) -> dict[str, Mapping[str, str]]:
    """Return the words of all codes of each connector, by its name; "" stands for connectors that are gone."""
    words: dict[str, Mapping[str, str]] = {connector.name: _words_of(connector.source) for connector in connectors}
    return {**words, "": {code: text for name in OPTIONS for code, text in _words_of(name).items()}}


def say(words: Mapping[str, Mapping[str, str]], connector: str, code: str) -> str:
    """Return a code of a connector in words; the code itself if there are none."""
    return words.get(connector, words[""]).get(code, code)


def _words_of(source_name: str) -> dict[str, str]:
    source = load_source(source_name)
    return {**source.drop_reasons, **source.issues, **CONTRACT_ISSUES, **SUBMIT_REASONS, **SUBMIT_ISSUES}
