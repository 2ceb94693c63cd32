"""ATT&CK codes of an event that names techniques and tactics by their ids, names, or links."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ci_operators.attack import attack_table
from ci_operators.core.attack import read_technique
from ci_operators.core.verdict import Note


class Entry(NamedTuple):
    """Techniques, each with its name or id and the link to its page, and their tactic."""

    techniques: Sequence[tuple[str | None, str | None]]
    tactic: str | None = None

    def is_own(self, prefix: str) -> bool:
        """Return whether its first id is one of the vendor's own, which begin with a prefix."""
        first = (self.techniques[0][0] if self.techniques else "") or self.tactic or ""
        return bool(prefix) and first.strip().upper().startswith(prefix)


def find_codes(
    entries: Iterable[Entry], note: Note, *, none: str, no_code: str = "", own_prefix: str = ""
) -> list[str]:
    """Return the codes of each entry's techniques, or else of its tactic, in order and without duplicates.

    A retired technique gives the code of its successor. Retired and unknown techniques are noted.
    none: the note if there are no entries; no_code: the note on an entry that gives no code. own_prefix: the start of
    the vendor's own ids, which are noted as own_technique.
    """
    table, codes, entry = attack_table(), dict[str, None](), None
    for entry in entries:
        if entry.is_own(own_prefix):
            note("own_technique")
            continue
        found = [table.find_current(read_technique(*technique), note) for technique in entry.techniques]
        if not any(found):
            found = [table.find_tactic(entry.tactic or "")]
        if not any(found) and no_code:
            note(no_code)
        codes |= dict.fromkeys(code for code in found if code)
    if entry is None:
        note(none)
    return list(codes)
