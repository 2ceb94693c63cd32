"""ATT&CK codes of a SentinelOne threat (Recorded Future's FAQ 4: from the tactics inside its indicators)."""

from __future__ import annotations

from ci_operators.core.attack import AttackTable, read_technique
from ci_operators.core.verdict import Note
from ci_operators.sources.sentinelone.threat import Tactic, ThreatWithIndicators


def find_codes(threat: ThreatWithIndicators, table: AttackTable, note: Note) -> list[str]:
    """Return the ATT&CK codes of all tactics of all indicators, in their order, each once.

    A tactic's techniques give their ids, a retired one that of its successor. A tactic without a usable technique
    gives its own id. Retired and unknown techniques are noted, and tactics that give no code.
    """
    codes: dict[str, None] = {}
    for indicator in threat.indicators or ():
        for tactic in (indicator and indicator.tactics) or ():
            if tactic is not None:
                for code in _codes_of(tactic, table, note):
                    codes[code] = None
    return list(codes)


def has_tactics(threat: ThreatWithIndicators) -> bool:
    """Return whether any indicator of the threat names a tactic."""
    return any(indicator is not None and any(indicator.tactics or ()) for indicator in threat.indicators or ())


def _codes_of(tactic: Tactic, table: AttackTable, note: Note) -> list[str]:
    codes = []
    for technique in tactic.techniques or ():
        written = read_technique(technique.name, technique.link) if technique else None
        code = table.find_current(written, note)
        if code is not None:
            codes.append(code)
    if codes:
        return codes
    own_code = table.find_tactic(tactic.name or "")
    if own_code is None:
        note("unknown_tactic")
        return []
    return [own_code]
