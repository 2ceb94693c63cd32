"""The allowed failures of an example: the project's own errors, whose text has no token and fits every store."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from ci_operators.core.errors import AccountingError, CollectiveInsightsError


def expect_own_errors(call: Callable[[], Any], token: str = "") -> str | None:
    """Return the kind of the call's error, None without one. Errors that are not the project's own are raised."""
    try:
        call()
    except CollectiveInsightsError as err:
        check_error(err, token)
        return type(err).__name__
    return None


def check_error(error: CollectiveInsightsError, token: str) -> None:
    """Check the requirements for every error; `token`: the one that the vendor has received."""
    words = str(error)
    assert words.strip(), "an error without words"
    check_plain(words)
    assert len(words) < 2000, f"{len(words)} characters of error: {words[:200]}"
    if isinstance(error, AccountingError):
        assert "this is a defect" not in words, words
    assert not token or token not in "".join(traceback.format_exception(error)), f"the token in {words}"


def check_plain(value: Any) -> None:
    """Check that logs, XComs and databases can store a text, or all texts of a JSON value."""
    if isinstance(value, str):
        assert "\0" not in value, f"a NUL in {value!r}"
        value.encode()  # a lone surrogate fails here
    elif isinstance(value, Mapping):
        for name, child in value.items():
            check_plain(name)
            check_plain(child)
    elif isinstance(value, list | tuple):
        for child in value:
            check_plain(child)
