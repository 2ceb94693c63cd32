"""Did the event arrive, and if not, what keeps it: an explanation in one sentence, its reason, and what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ci_operators.answers.event.explanation import Explanation
from ci_operators.answers.event.trail import Step
from ci_operators.ledger.tables import State

#: Fate of a step -> what it means for the event. The first one that the event met counts most. `{stage}`: the step's.
HEADLINES: Mapping[str, str] = {
    State.ACCEPTED.name.lower(): "It arrived: Recorded Future has stored it.",
    State.UNKNOWN.name.lower(): "It was sent, and nobody can say yet whether Recorded Future has stored it.",
    State.REJECTED.name.lower(): "It did not arrive: Recorded Future refused it.",
    State.WAITING.name.lower(): "It has not arrived yet: it waits for the day's budget.",
    State.RESERVED.name.lower(): "It has not arrived yet: its request is under way.",
    State.PLANNED.name.lower(): "It has not arrived yet: the next run that reads its window sends it.",
    "quarantined": "It did not arrive: {stage} quarantined it.",
    "dropped": "It did not arrive: {stage} left it out.",
}
#: Characters of a question that a headline repeats.
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. fate: a key of HEADLINES; "found" if only a source knows the event, "unclear" if one of them could
    not be asked, "several" for the detections of an indicator, "nothing" for what nobody knows.

    details: the sentences of the explanation that headline and reason do not say.
    """

    fate: str
    headline: str
    reason: str = ""
    details: Sequence[str] = ()


def make_verdict(found: Explanation) -> Verdict:
    """Return the verdict of an explanation."""
    if found.kind == "nothing":
        asked = found.query if len(found.query) <= _LONGEST else f"{found.query[:_LONGEST]}…"
        return Verdict("nothing", f"Nothing is known of {asked}", details=found.sentences)
    if found.steps:
        return _judge_steps(found)
    if found.matches:
        count = f"{'More than ' if found.more else ''}{len(found.matches)} detections"
        return Verdict("several", f"{count} carry {found.query}.", details=found.problems)
    headline, *details = found.sentences
    has_failed = any(answer.failed for answer in found.sources)
    return Verdict("unclear" if has_failed else "found", headline, details=details)


def _judge_steps(found: Explanation) -> Verdict:
    ranks = {fate: rank for rank, fate in enumerate(HEADLINES)}
    step = min((step for step in found.steps if step.fate in ranks), key=lambda step: ranks[step.fate])
    reason = _say_reason(step)
    is_told = len(found.sentences) - len(found.problems) == 1 if reason else len(found.matches) > 1
    details = found.problems if is_told else found.sentences
    return Verdict(step.fate, HEADLINES[step.fate].format(stage=step.stage), reason, details)


def _say_reason(step: Step) -> str:
    if step.code is None:
        return ""
    return f"{step.words} ({step.faq})" if step.faq else step.words
