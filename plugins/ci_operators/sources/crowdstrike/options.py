"""Options of a CrowdStrike connector."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ci_operators.core.connector import Policy
from ci_operators.sources.options import IndicatorPolicies, VerdictConnector


class CrowdStrikeConnector(IndicatorPolicies, VerdictConnector):
    """Options of a CrowdStrike connector."""

    created_key: ClassVar[str] = "created_timestamp"
    updated_key: ClassVar[str] = "updated_timestamp"

    source: Literal["crowdstrike"] = "crowdstrike"
    products: tuple[Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")], ...] = Field(
        default=("epp",), strict=False, description="Only alerts of these Falcon products; of all products if empty."
    )
    min_severity: int = Field(default=0, ge=0, le=100, description="Alerts below this severity are dropped.")
    min_confidence: int = Field(default=0, ge=0, le=100, description="Alerts below this confidence are dropped.")
    false_positives: Policy = Field(default="send", description="Alerts that an analyst classified as false positives.")
    process_hashes: Policy = Field(
        default="drop", description="The hash of the acting process, which is often a system program such as cmd.exe."
    )
