"""What a person may ask: texts are plain text, however they look, and have an end."""

from __future__ import annotations

from ci_operators.core.errors import ConfigurationError
from ci_operators.core.text import storable

#: Longer than any event id and any indicator that people paste.
LONGEST_QUESTION = 400


class WrongQuestionError(ConfigurationError):
    """A question that cannot be answered as it stands; the sentence says how to ask it."""


def read_question(text: str, what: str = "The search") -> str:
    """Return the text without spaces around it, as a database can compare it.

    Raises WrongQuestionError for one that is too long to be an id or an indicator.
    """
    text = storable(text).strip()
    if len(text) > LONGEST_QUESTION:
        raise WrongQuestionError(f"{what} has {len(text)} characters; at most {LONGEST_QUESTION} are looked for.")
    return text
