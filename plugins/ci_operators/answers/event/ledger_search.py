"""What the ledgers know of an event's id or of an indicator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ci_operators.answers.event.indicators import Matches, find_matches, join_matches
from ci_operators.answers.event.source_question import Coverage
from ci_operators.answers.event.trail import join_trails
from ci_operators.answers.ledgers import OpenLedger, group_by_ledger
from ci_operators.core.connector import Connector
from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.ledger import overview
from ci_operators.ledger.trail import Trail, find_connectors, find_trail


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledgers know. coverage: by connector; problems: a sentence for each ledger that could not be read."""

    trail: Trail
    matches: Matches
    coverage: dict[str, Coverage]
    problems: Sequence[str]


@dataclass
class LedgerSearch:
    """Asks the ledgers of `connectors`, with `gone_too` also for connectors that are in no file any more."""

    query: str
    open_ledger: OpenLedger
    gone_too: bool
    limit: int
    trails: list[Trail] = field(default_factory=list)
    matches: list[Matches] = field(default_factory=list)
    coverage: dict[str, Coverage] = field(default_factory=dict)

    def look(self, connectors: Sequence[Connector]) -> Known:
        """Return what the ledgers know; raises the first one's error if none can be read that is needed."""
        needed, errors = 0, list[CollectiveInsightsError]()
        for conn_id, group in group_by_ledger(connectors).items():
            is_needed = not all(each.debug for each in group)  # what only checks needs no ledger
            needed += is_needed
            try:
                with self.open_ledger(conn_id) as connection:
                    self._read(connection, [each.name for each in group])
            except CollectiveInsightsError as err:
                if is_needed:
                    errors.append(err)
        if errors and len(errors) == needed:
            raise errors[0]
        coverage = {each.name: Coverage(None, None) for each in connectors} | self.coverage
        matches = join_matches(self.matches, self.limit)
        return Known(join_trails(self.trails), matches, coverage, [str(error) for error in errors])

    def _read(self, connection: Connection, group: list[str]) -> None:
        names = find_connectors(connection) if self.gone_too else group
        trail = find_trail(connection, names, self.query)
        self.trails.append(trail)
        if not trail:
            self.matches.append(find_matches(connection, names, self.query, self.limit))
        self.coverage |= {name: _find_coverage(connection, name) for name in group}


def _find_coverage(connection: Connection, name: str) -> Coverage:
    number = overview.find_id(connection, name)
    if number is None:
        return Coverage(None, None)
    last = overview.find_last_window(connection, number)
    return Coverage(overview.find_first_since(connection, number), last.until if last else None)
