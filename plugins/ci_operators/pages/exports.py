"""Exports of the pages' data: CSV for spreadsheets, JSON for programs, layers for MITRE's ATT&CK Navigator.

Layer format 4.5: https://github.com/mitre-attack/attack-navigator/blob/master/layers/spec/v4.5/layerformat.md
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from fastapi import APIRouter
from fastapi.encoders import jsonable_encoder
from starlette.responses import Response

from ci_operators.airflow_plugin.compat import SessionDep
from ci_operators.attack import attack_edition, attack_matrix
from ci_operators.core.errors import UnavailableError
from ci_operators.pages import connectors, trends
from ci_operators.pages.request import AskedPeriod, Chosen, Period, Readable

router = APIRouter()
INDICATORS = 1000
#: What spreadsheets read as the start of a formula, also after blanks and as full-width characters.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
#: From few to many: light to dark in one hue, legible with black text.
_COLOURS = ["#deebf7", "#9ecae1", "#4292c6"]

Rows = Sequence[Mapping[str, Any]]


@router.get("/export/connectors.{form}")
def export_connectors(
    form: Literal["csv", "json"], readable: Readable, chosen: Chosen, session: SessionDep
) -> Response:
    """Return the state of the connectors as a file."""
    return _make_file("connectors", form, connectors.show_connectors(readable, chosen, session)["connectors"])


@router.get("/export/{what}.{form}")
def export_trend(
    what: Literal["days", "reasons", "indicators", "techniques"],
    form: Literal["csv", "json"],
    period: AskedPeriod,
    chosen: Chosen,
) -> Response:
    """Return one of the trends as a file. Raises UnavailableError if a ledger cannot be read, so no part is missing."""
    shown = _SHOW[what](period, chosen)
    if shown["note"]:
        raise UnavailableError(f"Not exported, because a part would be missing: {shown['note']}")
    return _make_file(what, form, shown[what])


@router.get("/navigator-layer")
def export_layer(period: AskedPeriod, chosen: Chosen) -> Response:
    """Return the detections by technique as an ATT&CK Navigator layer."""
    counts, problems = trends.count_codes(period, chosen)
    if problems:
        raise UnavailableError(f"Not exported, because a part would be missing: {' '.join(problems)}")
    text = json.dumps(make_layer(counts, period, chosen), indent=1)
    return _attach(text, "collective-insights-layer.json", "application/json")


_SHOW: Mapping[str, Callable[[Period, Sequence[str]], dict[str, Any]]] = {
    "days": trends.show_days,
    "reasons": trends.show_reasons,
    "indicators": lambda period, chosen: trends.show_indicators(period, chosen, INDICATORS),
    "techniques": trends.show_techniques,
}


def _make_file(what: str, form: str, rows: Rows) -> Response:
    plain: Rows = jsonable_encoder(rows)
    name = f"collective-insights-{what}.{form}"
    if form == "json":
        return _attach(json.dumps(plain, indent=1), name, "application/json")
    return _attach(_write_csv(plain), name, "text/csv")


def _write_csv(rows: Rows) -> str:
    """Return the rows as CSV. A value that a spreadsheet would run as a formula gets an apostrophe in front."""
    out = io.StringIO()
    columns = list(dict.fromkeys(column for row in rows for column in row))
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = " ".join(value)
    elif isinstance(value, list | dict):
        value = json.dumps(value)
    if isinstance(value, str) and (value.startswith(_FORMULA) or value.lstrip().startswith(_FORMULA)):
        return f"'{value}"
    return value


def _attach(text: str, name: str, media_type: str) -> Response:
    return Response(text, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def make_layer(counts: Mapping[str, int], period: Period, connectors: Sequence[str]) -> dict[str, Any]:
    """Return the layer of detections by technique. Tactics are left out: the format has no place for them."""
    matrix = attack_matrix()
    known = {code: count for code, count in counts.items() if matrix.find(code) is not None}
    most = max(known.values(), default=1)
    span = f"{period.since:%Y-%m-%d %H:%M} to {period.until:%Y-%m-%d %H:%M} UTC"
    names = ", ".join(connectors) or "no connector"
    return {
        "name": "Collective Insights",
        "versions": {"attack": attack_edition().version.partition(".")[0], "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": f"Detections delivered to Recorded Future, {span}, by {names}.",
        "filters": {},
        "sorting": 3,
        "layout": {"layout": "side", "showID": True, "showName": True, "expandedSubtechniques": "annotated"},
        "hideDisabled": False,
        "techniques": [
            {"techniqueID": code, "score": count, "enabled": True, "comment": f"{count} detection{'s' * (count != 1)}"}
            for code, count in sorted(known.items())
        ],
        "gradient": {"colors": _COLOURS, "minValue": 0, "maxValue": most},
        "legendItems": [],
        "metadata": [{"name": "source", "value": "collective-insights-airflow"}],
        "showTacticRowBackground": False,
        "selectTechniquesAcrossTactics": True,
        "selectSubtechniquesWithParent": False,
    }
