"""The output of a command: tables for people, one JSON document for programs, one sentence for an error."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from ci_operators.answers.ledgers import NoLedgerError
from ci_operators.core.errors import CollectiveInsightsError, ConfigurationError
from ci_operators.core.text import clean_text

#: Columns if the output is not a terminal: wide enough for any table.
_WIDE = 200
#: Characters to keep in our own texts, which can have several lines.
LINES = "\n"


def _make_console() -> Console:
    is_known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(file=sys.stdout, width=None if is_known else _WIDE, highlight=False)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Terminal:
    """Where a command prints. now: the clock."""

    as_json: bool
    console: Console = field(default_factory=_make_console)
    now: Callable[[], datetime] = _now

    def show(self, document: object, tables: Iterable[RenderableType]) -> None:
        """Print the document as JSON, or the tables and sentences with the same content."""
        if self.as_json:
            text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
            self.console.file.write(text + "\n")
            return
        for table in tables:
            self.console.print(table, soft_wrap=isinstance(table, Text))


def run_command(command: Callable[[], int]) -> int:
    """Run the command, and return its exit status. Its errors become one sentence on stderr.

    What other code prints (Airflow logs to stdout) goes to stderr: stdout has only the command's result.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        with redirect_stdout(sys.stderr):
            status = command()
        sys.stdout.flush()
        return status
    except CollectiveInsightsError as err:
        sys.stderr.write(f"{clean_text(str(err), keep=LINES)}\n")
        return 2 if isinstance(err, ConfigurationError | NoLedgerError) else 1
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it again at exit
        return 0
    except KeyboardInterrupt:
        return 130


def make_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table that shows its cells in full, without interpreting a vendor's text as markup."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(show_value(value)) for value in row))
    return table


def sentence(text: str, style: str = "") -> Text:
    """Return a sentence to print."""
    return Text(clean_text(text, keep=LINES), style=style)


def show_value(value: object) -> str:
    """Return a value as text for people; "" for None."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean_text(str(value), keep=LINES)


def show_span(seconds: float) -> str:
    """Return a duration in its two largest units: "2 d 3 h"."""
    rest = int(timedelta(seconds=max(seconds, 0)).total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if rest >= size:
            parts.append(f"{rest // size} {unit}")
            rest %= size
    return " ".join(parts[:2]) or "0 s"
