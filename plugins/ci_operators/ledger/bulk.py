"""Rows into PostgreSQL by COPY: ten times as fast as INSERT."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

#: What has a meaning of its own in COPY's text format, or none in PostgreSQL's text.
_SPECIAL = re.compile(r"[\\\t\n\r\0]")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})


def copy_rows(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Add rows to `table` within the connection's transaction. PostgreSQL's text cannot hold NUL: it is removed."""
    lines = "".join("\t".join(map(_field, row)) + "\n" for row in rows)
    cursor = connection.connection.cursor()
    try:
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", io.StringIO(lines))
    finally:
        cursor.close()


def _field(value: object) -> str:
    if isinstance(value, str):
        return value.translate(_ESCAPES) if _SPECIAL.search(value) else value
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    if isinstance(value, list):
        if not value:
            return "{}"
        quoted = (str(item).replace("\\", "\\\\").replace('"', '\\"') for item in value)
        return ("{" + ",".join(f'"{item}"' for item in quoted) + "}").translate(_ESCAPES)
    return str(value)
