"""ATT&CK Navigator's layer format 4.5 as a JSON Schema, written after its specification's tables.

https://github.com/mitre-attack/attack-navigator/blob/master/layers/spec/v4.5/layerformat.md
It has only the optional members that our layers use, and refuses others.
"""

from __future__ import annotations

from typing import Any

_TEXT, _YES, _NUMBER = {"type": "string"}, {"type": "boolean"}, {"type": "number"}
_COLOUR = {"type": "string", "pattern": "^#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?$"}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _list(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


LAYER_SCHEMA: dict[str, Any] = _object(
    ["name", "domain"],
    name=_TEXT,
    versions=_object(
        ["navigator", "layer"],
        attack={"type": "string", "pattern": r"^\d+$"},
        navigator={"type": "string", "pattern": r"^(4\.9|[5-9])\."},
        layer={"const": "4.5"},
    ),
    description=_TEXT,
    domain={"enum": ["enterprise-attack", "mobile-attack", "ics-attack"]},
    filters=_object([], platforms=_list(_TEXT)),
    sorting={"enum": [0, 1, 2, 3]},
    layout=_object(
        [],
        layout={"enum": ["side", "flat", "mini"]},
        showID=_YES,
        showName=_YES,
        expandedSubtechniques={"enum": ["none", "all", "annotated"]},
    ),
    hideDisabled=_YES,
    techniques=_list(
        _object(
            ["techniqueID"],
            techniqueID={"type": "string", "pattern": r"^T\d{4}(\.\d{3})?$"},
            comment=_TEXT,
            enabled=_YES,
            score=_NUMBER,
        )
    ),
    gradient=_object(
        ["colors", "minValue", "maxValue"], colors=_list(_COLOUR, minItems=2), minValue=_NUMBER, maxValue=_NUMBER
    ),
    legendItems=_list(_object(["label", "color"], label=_TEXT, color=_COLOUR)),
    showTacticRowBackground=_YES,
    selectTechniquesAcrossTactics=_YES,
    selectSubtechniquesWithParent=_YES,
    metadata=_list(_object(["name", "value"], name=_TEXT, value=_TEXT)),
)
