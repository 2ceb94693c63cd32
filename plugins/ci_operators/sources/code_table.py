"""Tables from a vendor's phrases to ATT&CK codes: CSV files, shipped in a source's folder or a connector's own."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path

from ci_operators.attack import attack_table
from ci_operators.core.errors import ConfigurationError
from ci_operators.core.verdict import Note

#: Phrases are matched whole, whatever their letters' case and the spaces around and inside them.
CodeTable = Mapping[str, str]
#: Longer texts are read without being remembered.
LONGEST_TEXT = 255


@cache
def load_codes(option: str, path: Path) -> CodeTable:
    """Return the table in a CSV file with the columns phrase and code. option: the one that can name another file.

    Raises ConfigurationError naming file and line for a file that is missing or holds a code that ATT&CK lacks.
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
    return codes


def make_finder(table: CodeTable, note: Note, unknown: str) -> Callable[[str], list[str]]:
    """Return a function that gives the ATT&CK codes of phrases parted by commas, in their order, each once.

    A phrase that the table lacks is noted as `unknown` and gives no code. A code that ATT&CK has retired is noted and
    gives the code of its successor, if there is one.
    """

    @lru_cache(maxsize=1024)  # the same few lists come again and again
    def read(text: str) -> tuple[list[str], list[str]]:
        codes, notes = dict[str, None](), list[str]()
        for phrase in filter(None, map(_normalise, text.split(","))):
            code = table.get(phrase)
            if code is None:
                notes.append(unknown)
            elif current := attack_table().find_current(code, notes.append):
                codes[current] = None
        return list(codes), notes

    def find_codes(text: str) -> list[str]:
        codes, notes = read(text) if len(text) <= LONGEST_TEXT else read.__wrapped__(text)
        for name in notes:
            note(name)
        return codes

    return find_codes


def _normalise(phrase: str) -> str:
    return " ".join(phrase.casefold().split())
