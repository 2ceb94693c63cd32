"""Tables from a vendor's phrases to ATT&CK codes: CSV files, shipped in a source's folder or a connector's own."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from ci_operators.attack import attack_table
from ci_operators.core.errors import ConfigurationError
from ci_operators.core.verdict import Note

#: Longer texts are read without being remembered.
LONGEST_TEXT = 255


class CodeTable:
    """A table. Phrases are matched whole, whatever their letters' case and the spaces around and inside them."""

    def __init__(self, codes: Mapping[str, str], unknown: str) -> None:
        self.codes = codes
        self._unknown = unknown
        self._remember = lru_cache(maxsize=1024)(self._read)  # the same few texts come again and again

    def find_codes(self, text: str, note: Note) -> list[str]:
        """Return the ATT&CK codes of the phrases that commas part in a text, in their order, each once.

        A phrase that the table lacks is noted and gives no code. A code that ATT&CK has retired is noted and gives
        the code of its successor, if there is one.
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


@cache
def load_codes(path: Path, option: str, unknown: str) -> CodeTable:
    """Return the table in a CSV file with the columns phrase and code.

    option: the one that can name another file; unknown: the note about a phrase that is not in the table. Raises
    ConfigurationError naming file and line for a file that is missing or holds a code that ATT&CK lacks.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigurationError(f"{option} {path}: cannot be read ({err}).") from err
    codes = {}
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        phrase, code = _normalise(row.get("phrase") or ""), (row.get("code") or "").strip().upper()
        if not phrase or not attack_table().has_code(code):
            raise ConfigurationError(
                f"{option} {path}, line {number}: needs a phrase and an ATT&CK code, has {row.get('phrase')!r} and "
                f"{row.get('code')!r}."
            )
        codes[phrase] = code
    return CodeTable(codes, unknown)


def _normalise(phrase: str) -> str:
    return " ".join(phrase.casefold().split())
