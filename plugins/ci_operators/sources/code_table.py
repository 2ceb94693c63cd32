"""CSV files that map a vendor's phrases to ATT&CK codes, shipped with a source or set for a connector."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ci_operators.attack import Edition, attack_edition, attack_table
from ci_operators.core.errors import ConfigurationError
from ci_operators.core.verdict import Note

#: Longer texts are not cached.
LONGEST_TEXT = 255


class CodeTable:
    """A table. It matches whole phrases, and ignores letter case and extra spaces."""

    def __init__(self, codes: Mapping[str, str], unknown: str) -> None:
        self.codes = codes
        self._unknown = unknown
        self._remember = lru_cache(maxsize=1024)(self._read)  # the same few texts are read many times

    def find_codes(self, text: str, note: Note) -> list[str]:
        """Return the ATT&CK codes of a text's comma-separated phrases, in order and without duplicates.

        A phrase that is not in the table gives a note and no code. A retired code gives a note and the code of its
        successor, if there is one.
        """
        codes, notes = self._remember(text) if len(text) <= LONGEST_TEXT else self._read(text)
        for name in notes:
            note(name)
        return codes

    def _read(self, text: str) -> tuple[list[str], list[str]]:
        codes, notes = dict[str, None](), list[str]()
        for phrase in filter(None, map(_normalise, text.split(","))):
            code = self.codes.get(phrase)
            if code is None:
                notes.append(self._unknown)
            elif current := attack_table().find_current(code, notes.append):
                codes[current] = None
        return list(codes), notes


def make_loader(shipped: Path, option: str, unknown: str) -> Callable[[Any], CodeTable]:
    """Return a function that loads the table of a connector: the file in an option, or else the shipped file."""

    def load(connector: Any) -> CodeTable:
        path = getattr(connector, option, None)
        return load_codes(Path(path) if path else shipped, option, unknown)

    return load


def load_codes(path: Path, option: str, unknown: str) -> CodeTable:
    """Return the table in a CSV file with the columns phrase and code.

    option: the option that can name another file; unknown: the note about a phrase that is not in the table. Raises
    ConfigurationError, with file and line, for a file that is missing or has a code that is not in ATT&CK.
    """
    return _load_codes(path, option, unknown, attack_edition())


@lru_cache(maxsize=64)
def _load_codes(path: Path, option: str, unknown: str, edition: Edition) -> CodeTable:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigurationError(f"{option}: the file {path} cannot be read ({err}).") from err
    codes = {}
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        phrase, code = _normalise(row.get("phrase") or ""), (row.get("code") or "").strip().upper()
        if not phrase or not edition.table.has_code(code):
            raise ConfigurationError(
                f"{option}: line {number} of {path} needs a phrase and an ATT&CK code, but has "
                f"{row.get('phrase')!r} and {row.get('code')!r}."
            )
        codes[phrase] = code
    return CodeTable(codes, unknown)


def _normalise(phrase: str) -> str:
    return " ".join(phrase.casefold().split())
