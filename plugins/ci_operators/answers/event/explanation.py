"""Why did this event not arrive? Its way through every run, by its id or by its indicator; else the source's word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ci_operators.answers.deadline import NEVER, Deadline
from ci_operators.answers.event.codes_why import EventFinder, FindStaged, find_codes_why, find_nothing
from ci_operators.answers.event.indicators import Match, is_no_id, sum_up, tell_matches
from ci_operators.answers.event.ledger_search import Known, LedgerSearch
from ci_operators.answers.event.source_question import FetchEvent, SourceAnswer, ask_source, fetch_event
from ci_operators.answers.event.trail import Step, make_steps, tell_trail
from ci_operators.answers.ledgers import OpenLedger, open_ledger
from ci_operators.answers.question import WrongQuestionError, read_question
from ci_operators.answers.wording import Wording
from ci_operators.core.connector import Connector
from ci_operators.ledger.trail import Trail


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of what was asked for.

    kind: "event", "indicator" or "nothing". problems: a sentence for each ledger that could not be read; these end the
    sentences too. summary, matches: of an indicator's detections; `more` if those are not all.
    trail, steps: of an event, by the ledger. sources: what the sources say of one that no ledger knows.
    codes_why: why a detection of it has no ATT&CK codes.
    """

    query: str
    kind: str
    sentences: Sequence[str]
    problems: Sequence[str] = ()
    summary: str = ""
    matches: Sequence[Match] = ()
    more: bool = False
    trail: Trail | None = None
    steps: Sequence[Step] = ()
    sources: Sequence[SourceAnswer] = ()
    codes_why: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Inquiry:
    """By what an explanation is found.

    open_ledger: opens a ledger by its Connection; fetch: asks a source for an event; find_staged: the event in the
    artifacts of a run. gone_too: whether connectors that are in no file any more count. limit: detections of an
    indicator. deadline: when it is over, nothing further is looked into.
    """

    now: datetime
    wording: Wording
    open_ledger: OpenLedger = open_ledger
    fetch: FetchEvent = fetch_event
    find_staged: FindStaged = find_nothing
    gone_too: bool = False
    limit: int = 50
    deadline: Deadline = NEVER


def explain(question: str, connectors: Sequence[Connector], inquiry: Inquiry) -> Explanation:
    """Return what became of the event, or of the events with the indicator, that `question` names.

    Only `connectors` are asked and named. Raises WrongQuestionError for a question without sense, and the error of
    the ledgers if none of those can be read that live connectors need.
    """
    query = read_question(question, "The question")
    if not query:
        raise WrongQuestionError("Name an event's id (Okta's uuid, SentinelOne's threat id) or an indicator.")
    known = LedgerSearch(query, inquiry.open_ledger, inquiry.gone_too, inquiry.limit).look(connectors)
    if known.trail:
        found = _explain_event(query, known.trail, connectors, inquiry)
    elif known.matches.detections:
        found = _explain_indicator(query, known, connectors, inquiry)
    else:
        found = _explain_by_sources(query, known, connectors, inquiry)
    return replace(found, sentences=[*found.sentences, *known.problems], problems=known.problems)


def _explain_event(query: str, trail: Trail, connectors: Sequence[Connector], inquiry: Inquiry) -> Explanation:
    look = EventFinder(inquiry.find_staged, inquiry.fetch, inquiry.now, inquiry.deadline)
    why = find_codes_why(trail, query, connectors, look)
    sentences = list(tell_trail(trail, inquiry.wording))
    return Explanation(query, "event", sentences, trail=trail, steps=make_steps(trail, inquiry.wording), codes_why=why)


def _explain_indicator(query: str, known: Known, connectors: Sequence[Connector], inquiry: Inquiry) -> Explanation:
    """Return the detections of an indicator; of a single event also its way."""
    matches = known.matches
    found = Explanation(
        query,
        "indicator",
        list(tell_matches(matches, query)),
        summary=sum_up(matches, query),
        matches=matches.detections,
        more=matches.more,
    )
    events = {(match.connector, match.event_id) for match in matches.detections}
    if len(events) > 1 or matches.more:
        return found
    event_id = events.pop()[1]
    trail = LedgerSearch(event_id, inquiry.open_ledger, inquiry.gone_too, inquiry.limit).look(connectors).trail
    told = _explain_event(event_id, trail, connectors, inquiry)
    return replace(found, trail=told.trail, steps=told.steps, codes_why=told.codes_why)


def _explain_by_sources(query: str, known: Known, connectors: Sequence[Connector], inquiry: Inquiry) -> Explanation:
    if is_no_id(query):
        return Explanation(query, "nothing", list(_say_no_indicator(connectors)))
    answers, left = list[SourceAnswer](), list[str]()
    for connector in connectors:
        if inquiry.deadline.is_over:
            left.append(connector.name)
            continue
        coverage = known.coverage[connector.name]
        answers.append(ask_source(connector, query, coverage, inquiry.now, inquiry.fetch, inquiry.deadline))
    sentences = [*_say_answers(answers), *_say_left(left, answers)]
    kind = "event" if any(answer.found for answer in answers) else "nothing"
    why = [f"{answer.connector}: no ATT&CK codes. {text}" for answer in answers for text in answer.codes_why]
    return Explanation(query, kind, sentences, sources=answers, codes_why=why)


def _say_answers(answers: Sequence[SourceAnswer]) -> list[str]:
    if any(answer.found or answer.failed for answer in answers):
        return [answer.sentence for answer in answers if answer.found or answer.failed]
    titles = " nor ".join(dict.fromkeys(answer.source for answer in answers))
    return [f"Neither the ledger nor {titles} knows the event."] if titles else []


def _say_left(left: Sequence[str], answers: Sequence[SourceAnswer]) -> list[str]:
    if left:
        alone = "`python -m ci_operators explain ID` takes longer."
        if len(left) + len(answers) > 1:
            alone = f"Choose one of them to ask it alone; {alone}"
        return [f"The answer took too long; not asked: {', '.join(left)}. {alone}"]
    return [] if answers else ["There is no connector to ask."]


def _say_no_indicator(connectors: Sequence[Connector]) -> Iterator[str]:
    yield (
        "The ledger has no detection with this indicator. Of an event that was dropped or quarantined before it became "
        "a detection the ledger keeps the id alone: ask for that, or look into the records of a run."
    )
    dry = [connector.name for connector in connectors if connector.debug]
    if dry:
        yield f"In debug mode, and so without detections in the ledger: {', '.join(dry)}."
