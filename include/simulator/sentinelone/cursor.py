"""The cursor: base64 of a JSON keyset, percent-encoded in the answer, as by live consoles."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

import orjson

from simulator.sentinelone.refusals import invalid
from simulator.sentinelone.threat_query import SORT_COLUMNS

_CONSTANT: Final = {"id_column": "ThreatView.id", "id_sort_order": "asc", "sort_order": "asc"}
_TABLE: Final = "ThreatView."


@dataclass(frozen=True, slots=True)
class Keyset:
    """The row before the next page, in ascending order of a column."""

    column: str
    value: int
    serial: int


def encode_cursor(keyset: Keyset) -> str:
    """Return the cursor as it is in `nextCursor`: percent-encoded."""
    row = {"id_value": keyset.serial, "sort_by_column": _TABLE + keyset.column, "sort_by_value": keyset.value}
    plain = orjson.dumps(_CONSTANT | row)
    padded = plain + b" " * (1 if len(plain) % 3 != 2 else 2)  # so that a character needs percent-encoding
    return quote(base64.b64encode(padded).decode(), safe="")


def decode_cursor(text: str) -> Keyset:
    """Return the keyset of a cursor, plain or still percent-encoded; refuses anything else."""
    try:
        members = orjson.loads(base64.b64decode(unquote(text), validate=True))
        keyset = Keyset(members["sort_by_column"].removeprefix(_TABLE), members["sort_by_value"], members["id_value"])
    except (ValueError, LookupError, TypeError, AttributeError):
        raise invalid("cursor: Invalid cursor.") from None
    are_whole = isinstance(keyset.value, int) and isinstance(keyset.serial, int)
    if keyset.column not in SORT_COLUMNS or not are_whole or not _CONSTANT.items() <= members.items():
        raise invalid("cursor: Invalid cursor.")
    return keyset
