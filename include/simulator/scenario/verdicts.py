"""What the invented analysts do: most threats are judged only hours after they were found."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Final

from simulator.instants import HOUR, MINUTE, SECOND, format_us
from simulator.scenario.draws import Draws

MAX_VERDICT_DELAY: Final = 48 * HOUR
_JUDGED_SHARE: Final = 0.45
VERDICT_TEXTS: Final = {
    "undefined": "Undefined",
    "true_positive": "True positive",
    "false_positive": "False positive",
    "suspicious": "Suspicious",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verdict with the instant at which the analyst gives it."""

    given: int
    value: str


def draw_verdict(draws: Draws, created: int) -> Verdict | None:
    """Returns the later verdict on a threat, or None if nobody ever judges it."""
    if not draws.chance(_JUDGED_SHARE):
        return None
    value = draws.weighted((("true_positive", 60.0), ("false_positive", 25.0), ("suspicious", 15.0)))
    low, high = draws.weighted(
        (
            ((5 * MINUTE, 50 * MINUTE), 30.0),
            ((HOUR, 10 * HOUR), 50.0),
            ((10 * HOUR, MAX_VERDICT_DELAY - SECOND), 20.0),
        )
    )
    return Verdict(created + draws.between(low, high), value)


def judged(threat: dict[str, Any], verdict: str, given: int) -> dict[str, Any]:
    """Returns a copy of the threat as shown after the verdict; `updatedAt` becomes its instant."""
    after = copy.deepcopy(threat)
    info = after.get("threatInfo")
    target = info if isinstance(info, dict) else after
    target["updatedAt"] = format_us(given)
    if isinstance(info, dict):
        info["analystVerdict"] = verdict
        info["analystVerdictDescription"] = VERDICT_TEXTS.get(verdict, verdict)
        info["incidentStatus"] = "resolved"
        info["incidentStatusDescription"] = "Resolved"
        if verdict == "false_positive":
            info["mitigationStatus"] = "marked_as_benign"
            info["mitigationStatusDescription"] = "Marked as benign"
    return after
