"""Text from outside: what a log, a terminal and a database can take of it."""

from __future__ import annotations


def clean_text(text: str, keep: str = "") -> str:
    """Return the text without characters that control a log or a terminal, so that nobody can forge lines in it.

    A line break or tab becomes a space, any other character that is not printable U+FFFD. NUL is removed, so that
    the halves of a secret around it join and can be hidden. Characters in `keep` stay.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep else _replace(char) for char in text.replace("\0", ""))


def storable(text: str) -> str:
    """Return the text as PostgreSQL can store it: without NUL, and with "?" for half characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _replace(char: str) -> str:
    return " " if char.isspace() else "\N{REPLACEMENT CHARACTER}"
