"""The table from phrases of `outcome.reason` to ATT&CK codes.

Recorded Future's own table is not published. This one stands in outcome_reasons.csv with the source of each
line; a connector may name its own file (option outcome_reasons_file).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from ci_operators.attack import attack_table
from ci_operators.core.errors import ConfigurationError
from ci_operators.core.verdict import Note

#: Phrases are matched whole, whatever their letters' case and the spaces around and inside them.
ReasonTable = Mapping[str, str]


def _normalise(phrase: str) -> str:
    return " ".join(phrase.casefold().split())


@cache
def load_reasons(path: str | None = None) -> ReasonTable:
    """Return the table in the CSV file at `path`, by default the shipped one.

    Raises ConfigurationError naming file and line for a file that is missing or holds a code ATT&CK lacks.
    """
    name = path or "outcome_reasons.csv"
    try:
        text = (Path(path) if path else files(__package__).joinpath(name)).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigurationError(f"outcome_reasons_file {name}: cannot be read ({err}).") from err
    reasons = {}
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        phrase, code = _normalise(row.get("phrase") or ""), (row.get("code") or "").strip().upper()
        if not phrase or not attack_table().has_code(code):
            raise ConfigurationError(
                f"outcome_reasons_file {name}, line {number}: needs a phrase and an ATT&CK code, has "
                f"{row.get('phrase')!r} and {row.get('code')!r}."
            )
        reasons[phrase] = code
    return reasons


def find_codes(reason: str | None, table: ReasonTable, note: Note) -> list[str]:
    """Return the ATT&CK codes of all phrases of `outcome.reason`, in their order, each once.

    "Login Failures" and "Login failures with high unknown users count" differ in more than their beginning:
    only whole phrases count. A phrase the table lacks is noted and gives no code. A code that ATT&CK has retired is
    noted and gives that of its successor, if there is one.
    """
    codes: dict[str, None] = {}
    for part in (reason or "").split(","):
        phrase = _normalise(part)
        if not phrase:
            continue
        code = table.get(phrase)
        if code is None:
            note("unknown_outcome_reason")
        elif current := attack_table().find_current(code, note):
            codes[current] = None
    return list(codes)
