"""The members that are read of an Acme Cloud alert, and the criteria of Recorded Future's documentation."""

from __future__ import annotations

from msgspec import Struct

from ci_operators.core.tolerant import make_reader
from ci_operators.sources.acme.options import AcmeCloudConnector

#: Reason code -> the criterion in words.
DROP_REASONS = {
    "no_indicators": "The alert names no indicator.",
    "low_severity": "The alert's severity is below option min_severity.",
}


class Indicator(Struct, frozen=True, gc=False):
    """An indicator; `kind` is ip, domain or hash."""

    kind: str | None = None
    value: str | None = None


class Alert(Struct, frozen=True, gc=False):
    """One alert. Every member is optional and a text: `make_reader` reads numbers as text."""

    id: str | None = None
    time: str | None = None
    category: str | None = None
    severity: str | None = None
    technique: str | None = None
    indicators: list[Indicator | None] | None = None

    @property
    def event_id(self) -> str | None:
        """Return the alert's id."""
        return self.id


read_alert = make_reader(Alert)


def find_reason(alert: Alert, connector: AcmeCloudConnector) -> str | None:
    """Return the code of the criterion that excludes an alert, None if none does."""
    if not alert.indicators:
        return "no_indicators"
    severity = int(alert.severity) if (alert.severity or "").isdecimal() and len(alert.severity or "") < 4 else 0
    return "low_severity" if severity < connector.min_severity else None
