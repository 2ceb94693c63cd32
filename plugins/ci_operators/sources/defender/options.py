"""Options of a Microsoft Defender XDR connector."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from ci_operators.core.connector import Policy
from ci_operators.sources.options import IndicatorPolicies, VerdictConnector

Verdict = Literal["malicious", "suspicious", "unknown", "noThreatsFound"]


class MicrosoftDefenderXDRConnector(IndicatorPolicies, VerdictConnector):
    """Options of a Microsoft Defender XDR connector; Microsoft Graph's words have Graph's spelling."""

    created_key: ClassVar[str] = "createdDateTime"
    updated_key: ClassVar[str] = "lastUpdateDateTime"

    source: Literal["defender"] = "defender"
    evidence_verdicts: tuple[Verdict, ...] = Field(
        default=("malicious", "suspicious"),
        min_length=1,
        strict=False,
        description="Verdicts of the evidence whose indicators are sent.",
    )
    private_addresses: Policy = Field(
        default="drop", description="Addresses that are not globally reachable, and URLs of internal hosts."
    )
    trivial_hashes: Policy = Field(
        default="drop", description="Hashes of an empty file or a single line break, and hashes that repeat one digit."
    )
    follow_updates: bool = Field(
        default=False,
        description="Read an alert again whenever it changes, to include late evidence and verdicts. Nothing is sent "
        "twice. Each change costs another read, and an alert that changes while pages are read moves to a later "
        "window. By default each alert is read once, by its creation, which never changes.",
    )
    false_positives: Policy = Field(default="send", description="Alerts classified as false positives.")

    @property
    def window_key(self) -> str:
        """Return the time by which windows select alerts."""
        return self.updated_key if self.follow_updates else super().window_key
