"""Options of a SentinelOne connector."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ci_operators.core.connector import Connector, Duration, Policy

NumericId = Annotated[str, Field(pattern=r"^\d{1,20}$")]
Verdict = Literal["true_positive", "suspicious"]


class SentinelOneConnector(Connector):
    """Options of a SentinelOne connector; defaults are Recorded Future's documented criteria."""

    run_options: ClassVar[tuple[str, ...]] = ("only_analyst_verified",)

    source: Literal["sentinelone"] = "sentinelone"
    only_analyst_verified: bool = Field(
        default=False, description="Only Fetch Analyst-Verified Events: threats that an analyst has judged."
    )
    verified_verdicts: tuple[Verdict, ...] = Field(
        default=("true_positive",),
        min_length=1,
        strict=False,
        description="The analyst verdicts that count as verified.",
    )
    verified_floor: Duration = Field(
        default=timedelta(days=90),
        description="How old a threat may be when its verdict comes; older ones are left out of a bulk change.",
    )
    false_positives: Policy = Field(default="send", description="Threats that an analyst judged to be false positives.")
    command_line_hashes: Policy = Field(
        default="send", description='Hashes of a command line, no file: threats named "... (CLI fa08)".'
    )
    trivial_hashes: Policy = Field(
        default="send",
        description="Hashes of an empty file, of a single line break, or of one digit repeated.",
    )
    detection_time: Literal["identified_at", "created_at"] = Field(
        default="identified_at",
        description="The threat's time that becomes the timestamp; the other is used if it is missing or unreadable.",
    )
    account_ids: tuple[NumericId, ...] = Field(
        default=(), max_length=500, strict=False, description="Only threats of these SentinelOne accounts."
    )
    site_ids: tuple[NumericId, ...] = Field(
        default=(), max_length=500, strict=False, description="Only threats of these SentinelOne sites."
    )

    @property
    def window_key(self) -> str:
        """Return the time by which windows hold threats: a verdict comes hours after its threat."""
        return "updatedAt" if self.only_analyst_verified else "createdAt"

    @property
    def reads_back(self) -> timedelta:
        """Return how much older than its window a scheduled run's events may be: a verdict comes late."""
        return self.overlap + self.verified_floor
