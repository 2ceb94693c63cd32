"""Options of a Proofpoint TAP connector."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ci_operators.core.connector import Connector, Pause, Policy

#: The longest time that one request covers.
LONGEST_REQUEST = timedelta(hours=1)
#: Requests in any 24 hours: half of the 1800 that Proofpoint allows for all tools and runs together.
DAILY_REQUESTS = 900

Score = Literal["phish", "malware", "impostor", "spam"]
ScoreGroup = Annotated[Mapping[Score, Annotated[int, Field(ge=0, le=100)]], Field(min_length=1)]


class ProofpointTAPConnector(Connector):
    """Options of a Proofpoint TAP connector; the defaults are Recorded Future's documented criteria."""

    source_keeps: ClassVar[timedelta | None] = timedelta(days=7)

    source: Literal["proofpoint"] = "proofpoint"
    overlap: Pause = Field(
        default=timedelta(minutes=30),
        description="How far a live scheduled run reads back into the window before. Events can be half an hour late.",
    )
    score_groups: tuple[ScoreGroup, ...] = Field(
        default=(),
        strict=False,
        description="A message is sent if it reaches all scores of one group, for example "
        "[{phish: 80}, {malware: 50, spam: 90}]. Without groups, all messages are sent. Clicks have no scores.",
    )
    cleared_threats: Policy = Field(
        default="drop", description="Threats that Proofpoint has cleared or classified as false positives."
    )
    private_addresses: Policy = Field(
        default="send", description="Threats at an IP address that is not globally reachable."
    )
    classifications_file: str | None = Field(
        default=None,
        description="CSV file with the columns phrase and code that replaces the shipped table of classifications.",
    )

    @model_validator(mode="after")
    def _spares_requests(self) -> Self:
        runs = -(-timedelta(days=1) // self.update_frequency)
        needed = runs * -(-(self.update_frequency + self.overlap) // LONGEST_REQUEST)
        if needed > DAILY_REQUESTS:
            raise ValueError(f"update_frequency and overlap need {needed} requests a day; {DAILY_REQUESTS} are allowed")
        return self
