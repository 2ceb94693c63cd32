"""Cleans text from outside for logs, terminals and the database."""

from __future__ import annotations


def clean_text(text: str, keep: str = "") -> str:
    """Return the text without control characters, so that nobody can forge lines in a log or a terminal.

    A line break or tab becomes a space; other characters that are not printable become U+FFFD. NUL is removed, so that
    a secret with NUL inside is whole again and can be masked. Characters in `keep` stay.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep else _replace(char) for char in text.replace("\0", ""))


def storable(text: str) -> str:
    """Return the text as PostgreSQL can store it: without NUL, and with "?" for lone surrogates."""
    return text if text.isprintable() else text.replace("\0", "").encode("utf-8", "replace").decode()


def _replace(char: str) -> str:
    return " " if char.isspace() else "\N{REPLACEMENT CHARACTER}"
