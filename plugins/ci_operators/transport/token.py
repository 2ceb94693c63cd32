"""Checks of a vendor's token before it goes into a header."""

from __future__ import annotations

from ci_operators.core.errors import ConfigurationError


def check_token(token: str | None, *, label: str, where: str) -> str:
    """Return the token without surrounding spaces.

    Raises ConfigurationError, never with the token, if it is empty, a placeholder, or not usable in a header.
    where: the sentence that says where to get one.
    """
    text = (token or "").strip()
    if not text:
        raise ConfigurationError(f"{label} is empty. {where}")
    if any(mark in text for mark in "{}<>") or text.lower().strip("*x.") in (
        "",
        "changeme",
        "token",
        "secret",
    ):
        raise ConfigurationError(f"{label} is still a placeholder. {where}")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(f"{label} contains a space or a character that no token has. Copy it again. {where}")
    return text
