"""ATT&CK Navigator layers: what was detected, as MITRE's own viewer shows it.

Format: layer 4.5, https://github.com/mitre-attack/attack-navigator/blob/master/layers/spec/v4.5/layerformat.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ci_operators.attack import VERSION, attack_matrix
from ci_operators.pages.period import Period

#: Few to many: light to dark of one hue, legible beside black text.
_COLOURS = ["#deebf7", "#9ecae1", "#4292c6"]


def make_layer(counts: Mapping[str, int], period: Period, connectors: Sequence[str]) -> dict[str, Any]:
    """Return the layer of detections by technique; codes that name a tactic have no place in one."""
    matrix = attack_matrix()
    known = {code: count for code, count in counts.items() if matrix.find(code) is not None}
    most = max(known.values(), default=1)
    span = f"{period.since:%Y-%m-%d %H:%M} to {period.until:%Y-%m-%d %H:%M} UTC"
    names = ", ".join(connectors) or "no connector"
    return {
        "name": "Collective Insights",
        "versions": {"attack": VERSION, "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": f"Detections delivered to Recorded Future, {span}, by {names}.",
        "filters": {},
        "sorting": 3,
        "layout": {"layout": "side", "showID": True, "showName": True, "expandedSubtechniques": "annotated"},
        "hideDisabled": False,
        "techniques": [_make_technique(code, count) for code, count in sorted(known.items())],
        "gradient": {"colors": _COLOURS, "minValue": 0, "maxValue": most},
        "legendItems": [],
        "metadata": [{"name": "source", "value": "collective-insights-airflow"}],
        "showTacticRowBackground": False,
        "selectTechniquesAcrossTactics": True,
        "selectSubtechniquesWithParent": False,
    }


def _make_technique(code: str, count: int) -> dict[str, Any]:
    return {
        "techniqueID": code,
        "score": count,
        "enabled": True,
        "comment": f"{count} detections" if count != 1 else "1 detection",
    }
