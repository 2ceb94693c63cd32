"""Options of an Okta connector."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator

from ci_operators.core.connector import Connector, Policy

#: How long Okta keeps the System Log. It refuses windows that begin more than 180 days ago.
RETENTION = timedelta(days=90)


class OktaConnector(Connector):
    """Options of an Okta connector; defaults are Recorded Future's documented criteria."""

    source: Literal["okta"] = "okta"
    private_addresses: Policy = Field(
        default="send",
        description="Events whose indicator is not a globally reachable address, for example of an own proxy.",
    )
    outcome_reasons_file: str | None = Field(
        default=None,
        description="CSV file with the columns phrase and code that replaces the shipped table of outcome reasons.",
    )

    @field_validator("initial_import")
    @classmethod
    def _is_within_retention(cls, initial_import: timedelta) -> timedelta:
        if initial_import > RETENTION:
            raise ValueError("at most 90 days: Okta keeps the System Log no longer")
        return initial_import

    def resolve_paths(self, directory: Path) -> Self:
        """Return the options with the table's path read from the directory of the connectors file."""
        if self.outcome_reasons_file is None:
            return self
        return self.model_copy(update={"outcome_reasons_file": str(directory / self.outcome_reasons_file)})
