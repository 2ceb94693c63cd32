"""Why did this event not arrive? Its path through every run, found by its id or its indicator; else what its source
says about it. The verdict says it in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ci_operators.answers.event.finder import EventFinder
from ci_operators.answers.event.judgement import SourceAnswer, ask_source, find_codes_why, say_no_codes
from ci_operators.answers.event.search import Known, is_no_id, search_ledgers, sum_up, tell_matches
from ci_operators.answers.event.story import Step, make_steps, tell_trail
from ci_operators.answers.ledgers import OpenLedger, open_ledger
from ci_operators.answers.question import WrongQuestionError, read_question
from ci_operators.answers.wording import Wording
from ci_operators.core.connector import Connector
from ci_operators.ledger.indicators import FoundDetection
from ci_operators.ledger.tables import State
from ci_operators.ledger.trail import Trail
from ci_operators.sources import name_ids


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that is known about the query.

    kind: "event", "indicator" or "nothing". problems: a sentence for each ledger that could not be read; they are also
    the last of the sentences. summary, matches: the detections of an indicator; more: whether there are others.
    trail, steps: what the ledger knows about an event. sources: what the sources say about an event that no ledger
    knows. codes_why: why its detections have no ATT&CK codes.
    """

    query: str
    kind: str
    sentences: Sequence[str]
    problems: Sequence[str] = ()
    summary: str = ""
    matches: Sequence[FoundDetection] = ()
    more: bool = False
    trail: Trail | None = None
    steps: Sequence[Step] = ()
    sources: Sequence[SourceAnswer] = ()
    codes_why: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Inquiry:
    """How an explanation is found.

    finder: searches artifacts and sources for events, until its deadline. open_ledger: opens a ledger by its
    Connection. gone_too: whether to include connectors that are no longer in the file. limit: the most detections of
    an indicator.
    """

    finder: EventFinder
    wording: Wording
    open_ledger: OpenLedger = open_ledger
    gone_too: bool = False
    limit: int = 50

    def search(self, query: str, connectors: Sequence[Connector]) -> Known:
        """Return what the ledgers know about an event's id or an indicator."""
        return search_ledgers(query, connectors, self.open_ledger, self.limit, gone_too=self.gone_too)


def explain(question: str, connectors: Sequence[Connector], inquiry: Inquiry) -> Explanation:
    """Return what happened to the event with the id, or to the events with the indicator, that `question` contains.

    Only `connectors` are searched and named. Raises WrongQuestionError for an empty or too long question, and the
    error of a ledger if live connectors need ledgers and none of these can be read.
    """
    query = read_question(question, "The question")
    if not query:
        raise WrongQuestionError(f"Enter an event's id ({name_ids()}) or an indicator.")
    known = inquiry.search(query, connectors)
    if known.trail:
        found = _explain_event(query, known.trail, connectors, inquiry)
    elif known.matches.detections:
        found = _explain_indicator(query, known, connectors, inquiry)
    else:
        found = _explain_by_sources(query, known, connectors, inquiry)
    return replace(found, sentences=[*found.sentences, *known.problems], problems=known.problems)


def _explain_event(query: str, trail: Trail, connectors: Sequence[Connector], inquiry: Inquiry) -> Explanation:
    why = find_codes_why(trail, query, connectors, inquiry.finder)
    sentences = list(tell_trail(trail, inquiry.wording))
    return Explanation(query, "event", sentences, trail=trail, steps=make_steps(trail, inquiry.wording), codes_why=why)


def _explain_indicator(query: str, known: Known, connectors: Sequence[Connector], inquiry: Inquiry) -> Explanation:
    """Return the detections of an indicator, and the path of their event if they have only one."""
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
    told = _explain_event(event_id, inquiry.search(event_id, connectors).trail, connectors, inquiry)
    return replace(found, trail=told.trail, steps=told.steps, codes_why=told.codes_why)


def _explain_by_sources(query: str, known: Known, connectors: Sequence[Connector], inquiry: Inquiry) -> Explanation:
    if is_no_id(query):
        return Explanation(query, "nothing", list(_say_no_indicator(connectors)))
    answers, left = list[SourceAnswer](), list[str]()
    for connector in connectors:
        if inquiry.finder.deadline.is_over:
            left.append(connector.name)
        else:
            answers.append(ask_source(connector, query, known.coverage[connector.name], inquiry.finder))
    sentences = [*_say_answers(answers), *_say_left(left, answers)]
    kind = "event" if any(answer.found for answer in answers) else "nothing"
    why = [say_no_codes(answer.connector, text) for answer in answers for text in answer.codes_why]
    return Explanation(query, kind, sentences, sources=answers, codes_why=why)


def _say_answers(answers: Sequence[SourceAnswer]) -> list[str]:
    if any(answer.found or answer.failed for answer in answers):
        return [answer.sentence for answer in answers if answer.found or answer.failed]
    titles = " nor ".join(dict.fromkeys(answer.source for answer in answers))
    return [f"Neither the ledger nor {titles} knows the event."] if titles else []


def _say_left(left: Sequence[str], answers: Sequence[SourceAnswer]) -> list[str]:
    if left:
        alone = "`python -m ci_operators explain ID` waits longer."
        if len(left) + len(answers) > 1:
            alone = f"Choose one of them to ask only that one; {alone}"
        return [f"The answer took too long. Not asked: {', '.join(left)}. {alone}"]
    return [] if answers else ["There is no connector to ask."]


def _say_no_indicator(connectors: Sequence[Connector]) -> Iterator[str]:
    yield (
        "The ledger has no detection with this indicator. If an event was dropped or quarantined before it became "
        "a detection, the ledger has only its id. Search for the id, or look at the records of a run."
    )
    dry = [connector.name for connector in connectors if connector.debug]
    if dry:
        yield f"In debug mode, without detections in the ledger: {', '.join(dry)}."


#: Outcome of a step -> what it means for the event. The first one that applies counts. `{stage}`: the step's.
HEADLINES: Mapping[str, str] = {
    State.ACCEPTED.name.lower(): "It arrived: Recorded Future stored it.",
    State.UNKNOWN.name.lower(): "It was sent, but it is not known yet whether Recorded Future stored it.",
    State.REJECTED.name.lower(): "It did not arrive: Recorded Future rejected it.",
    State.WAITING.name.lower(): "It has not arrived yet: it waits for the day's budget.",
    State.RESERVED.name.lower(): "It has not arrived yet: it is being sent now.",
    State.PLANNED.name.lower(): "It has not arrived yet: the next run that reads its window will send it.",
    "quarantined": "It did not arrive: {stage} quarantined it.",
    "dropped": "It did not arrive: {stage} dropped it.",
}
#: The most characters of a question that a headline repeats.
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. fate: a key of HEADLINES; "found" if only a source knows the event, "unclear" if a source could not
    be asked, "several" for the detections of an indicator, "nothing" if nothing is known.

    details: the sentences of the explanation that headline and reason do not repeat.
    """

    fate: str
    headline: str
    reason: str = ""
    details: Sequence[str] = ()


def make_verdict(found: Explanation) -> Verdict:
    """Return whether the event arrived, and if it did not, why."""
    if found.kind == "nothing":
        asked = found.query if len(found.query) <= _LONGEST else f"{found.query[:_LONGEST]}…"
        return Verdict("nothing", f"Nothing is known about {asked}", details=found.sentences)
    if found.steps:
        return _judge_steps(found)
    if found.matches:
        count = f"{'More than ' if found.more else ''}{len(found.matches)} detections"
        return Verdict("several", f"{count} have {found.query}.", details=found.problems)
    headline, *details = found.sentences
    has_failed = any(answer.failed for answer in found.sources)
    return Verdict("unclear" if has_failed else "found", headline, details=details)


def _judge_steps(found: Explanation) -> Verdict:
    ranks = {fate: rank for rank, fate in enumerate(HEADLINES)}
    step = min((step for step in found.steps if step.fate in ranks), key=lambda step: ranks[step.fate])
    reason = "" if step.code is None else f"{step.words} ({step.faq})" if step.faq else step.words
    is_told = len(found.sentences) - len(found.problems) == 1 if reason else len(found.matches) > 1
    details = found.problems if is_told else found.sentences
    return Verdict(step.fate, HEADLINES[step.fate].format(stage=step.stage), reason, details)
