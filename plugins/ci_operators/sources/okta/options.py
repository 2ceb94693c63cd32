"""Options of an Okta connector."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from ci_operators.core.connector import Connector, Policy


class OktaConnector(Connector):
    """Options of an Okta connector; the defaults are Recorded Future's documented criteria."""

    #: How long Okta keeps the System Log. It rejects windows that begin more than 180 days ago.
    source_keeps: ClassVar[timedelta | None] = timedelta(days=90)

    source: Literal["okta"] = "okta"
    private_addresses: Policy = Field(
        default="send",
        description="Events whose indicator is not a globally reachable address, for example of your proxy.",
    )
    outcome_reasons_file: str | None = Field(
        default=None,
        description="CSV file with the columns phrase and code that replaces the shipped table of outcome reasons.",
    )
