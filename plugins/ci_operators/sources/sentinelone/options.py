"""Options of a SentinelOne connector."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from ci_operators.core.connector import Policy
from ci_operators.sources.options import VerdictConnector

NumericId = Annotated[str, Field(pattern=r"^\d{1,20}$")]
Verdict = Literal["true_positive", "suspicious"]
#: The verdicts of Unified Alert Management that can confirm an alert.
AlertVerdict = Literal[
    "TRUE_POSITIVE_ADVANCED_PERSISTENT_THREAT", "TRUE_POSITIVE_BENIGN", "TRUE_POSITIVE_BENIGN_BUT_SUSPICIOUS",
    "TRUE_POSITIVE_DATA_EXFILTRATION", "TRUE_POSITIVE_DENIAL_OF_SERVICE", "TRUE_POSITIVE_EXPLOITATION_TOOLS",
    "TRUE_POSITIVE_INSIDER_THREAT", "TRUE_POSITIVE_MALWARE", "TRUE_POSITIVE_PHISHING_ATTACK",
    "TRUE_POSITIVE_POLICY_VIOLATION", "TRUE_POSITIVE_PUA_ADWARE", "TRUE_POSITIVE_RANSOMWARE",
    "TRUE_POSITIVE_UNAUTHORIZED_ACCESS", "TRUE_POSITIVE_UNDEFINED",
]  # fmt: skip
#: These three do not say that something bad has happened.
_HARMLESS = ("TRUE_POSITIVE_BENIGN", "TRUE_POSITIVE_BENIGN_BUT_SUSPICIOUS", "TRUE_POSITIVE_POLICY_VIOLATION")


class SentinelOneConnector(VerdictConnector):
    """Options of a SentinelOne connector; defaults are Recorded Future's documented criteria."""

    created_key: ClassVar[str] = "createdAt"
    updated_key: ClassVar[str] = "updatedAt"

    source: Literal["sentinelone"] = "sentinelone"
    surface: Literal["threats", "unified_alerts"] = Field(
        default="threats",
        description="What is read: threats, as Recorded Future documents it, or unified alerts, which hold threats and "
        "the behavioral, STAR and AI detections of newer consoles. A change sends nothing twice.",
    )
    verified_verdicts: tuple[Verdict, ...] = Field(
        default=("true_positive",),
        min_length=1,
        strict=False,
        description="The analyst verdicts that count as verified.",
    )
    verified_alert_verdicts: tuple[AlertVerdict, ...] = Field(
        default=tuple(verdict for verdict in get_args(AlertVerdict) if verdict not in _HARMLESS),
        min_length=1,
        strict=False,
        description="The same of unified alerts.",
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
    alert_window: Literal["created_at", "detected_at"] = Field(
        default="created_at",
        description="The time by which windows hold unified alerts. An agent that was offline detects hours before "
        "the console creates the alert: by detected_at, such an alert is outside its window.",
    )
    details_per_page: int = Field(
        default=200,
        ge=0,
        le=200,
        description="How many unified alerts of a page (200) get their ATT&CK codes, by one more request each.",
    )
    third_party_alerts: Policy = Field(
        default="drop",
        description="Unified alerts that another vendor's product raised: it may have its own connector.",
    )
    account_ids: tuple[NumericId, ...] = Field(
        default=(), max_length=500, strict=False, description="Only threats of these SentinelOne accounts."
    )
    site_ids: tuple[NumericId, ...] = Field(
        default=(),
        max_length=500,
        strict=False,
        description="Only threats of these SentinelOne sites. Of unified alerts, sites take the place of accounts.",
    )

    @property
    def reads_alerts(self) -> bool:
        """Return whether unified alerts are read, not threats."""
        return self.surface == "unified_alerts"

    @property
    def verdicts(self) -> tuple[str, ...]:
        """Return the analyst verdicts that count as verified on the connector's surface."""
        return self.verified_alert_verdicts if self.reads_alerts else self.verified_verdicts

    @property
    def window_key(self) -> str:
        """Return the time by which windows hold events."""
        by_detection = self.reads_alerts and self.alert_window == "detected_at" and not self.only_analyst_verified
        return "detectedAt" if by_detection else super().window_key
