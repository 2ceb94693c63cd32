"""Options of an Acme Cloud connector."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ci_operators.core.connector import Connector


class AcmeCloudConnector(Connector):
    """Options of an Acme Cloud connector; defaults are Recorded Future's documented criteria."""

    source: Literal["acme"] = "acme"
    min_severity: int = Field(default=0, ge=0, le=100, description="Alerts below this severity are dropped.")
