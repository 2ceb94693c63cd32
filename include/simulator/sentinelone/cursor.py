"""The cursor: base64 of a JSON keyset, handed out already percent-encoded (as live consoles do)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

import orjson

from simulator.sentinelone.refusals import invalid

_MEMBERS: Final = {"id_column", "id_value", "id_sort_order", "sort_by_column", "sort_by_value", "sort_order"}
_ID_COLUMN: Final = "ThreatView.id"
SortValue = int | str


@dataclass(frozen=True, slots=True)
class Keyset:
    """The row after which the next page begins, and the sorting it belongs to."""

    column: str
    order: str
    value: SortValue
    serial: int


def encode_cursor(keyset: Keyset) -> str:
    """Returns the cursor as it stands in `nextCursor`: percent-encoded."""
    plain = orjson.dumps(
        {
            "id_column": _ID_COLUMN,
            "id_value": keyset.serial,
            "id_sort_order": keyset.order,
            "sort_by_column": f"ThreatView.{keyset.column}",
            "sort_by_value": keyset.value,
            "sort_order": keyset.order,
        }
    )
    padded = plain + b" " * (1 if len(plain) % 3 != 2 else 2)
    return quote(base64.b64encode(padded).decode(), safe="")


def decode_cursor(text: str) -> Keyset:
    """Returns the keyset of a cursor, plain or still percent-encoded; refuses anything else."""
    try:
        members = orjson.loads(base64.b64decode(unquote(text), validate=True))
    except (binascii.Error, ValueError):
        raise invalid("cursor: Invalid cursor.") from None
    if not isinstance(members, dict) or set(members) != _MEMBERS or members["id_column"] != _ID_COLUMN:
        raise invalid("cursor: Invalid cursor.")
    return _keyset(members)


def _keyset(members: dict[str, Any]) -> Keyset:
    column = str(members["sort_by_column"]).removeprefix("ThreatView.")
    value, serial, order = members["sort_by_value"], members["id_value"], members["sort_order"]
    if not isinstance(value, int | str) or not isinstance(serial, int) or order not in ("asc", "desc"):
        raise invalid("cursor: Invalid cursor.")
    return Keyset(column, order, value, serial)
