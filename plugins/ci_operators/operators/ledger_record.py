"""The ledger of a connector, as its tasks use it."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ci_operators.core.connector import Connector
from ci_operators.core.duration import format_duration
from ci_operators.core.errors import CollectiveInsightsError, ConfigurationError
from ci_operators.core.instant import format_instant
from ci_operators.core.window import Window

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ci_operators.stages.records import Knows

log = logging.getLogger(__name__)


@dataclass
class TaskLedger:
    """Opens the ledger when a task first needs it, and closes it at the end of the block.

    staging: the connector's directory in the staging area, with the records that its stages kept for the ledger.
    knows: returns whether a stage kept a given record.
    """

    connector: Connector
    staging: Any
    knows: Knows
    _stack: ExitStack = field(default_factory=ExitStack)
    _connection: Connection | None = None

    def __enter__(self) -> TaskLedger:
        return self

    def __exit__(self, *exc: Any) -> None:
        self._connection = None
        self._stack.close()

    def open(self) -> Connection:
        """Return the connection, after writing the records that the stages kept.

        Raises ConfigurationError when the ledger is missing or of another version.
        """
        if self._connection is None:
            from ci_operators.hooks.ledger import open_ledger  # not at DAG parse time
            from ci_operators.stages.records import write_kept

            connection = self._stack.enter_context(open_ledger(self.connector.ledger_conn_id))
            write_kept(connection, self.connector.name, self.staging, self.knows)
            self._connection = connection
        return self._connection

    def write_kept(self) -> None:
        """Write the records that stages of a failing run kept. If the ledger fails too, the next run writes them."""
        from ci_operators.stages.records import has_kept  # not at DAG parse time

        try:
            if has_kept(self.staging):
                self.open()
        except Exception as err:  # must not replace the stage's own error; the text of a foreign one may hold a secret
            cause = err if isinstance(err, CollectiveInsightsError) else type(err).__name__
            log.warning("The ledger was not updated; the next run writes the records of the earlier stages: %s", cause)


def check_memory(window: Window, now: datetime, memory: timedelta, known_since: datetime | None) -> None:
    """Raise ConfigurationError if the ledger may have deleted what was delivered from a live run's window."""
    if known_since and window.since < known_since:
        raise ConfigurationError(
            f"The window {window} begins before {format_instant(known_since)}: the ledger has deleted what was "
            "delivered before then (`retention: ledger`), so it could be sent twice. A longer retention does not "
            "restore it: shorten the window, or run it with debug."
        )
    if window.since < now - memory:
        raise ConfigurationError(
            f"The window {window} begins before the ledger's memory ({format_duration(memory)}): "
            "what was delivered then could be sent twice. Lengthen `retention: ledger`, or shorten the window."
        )
