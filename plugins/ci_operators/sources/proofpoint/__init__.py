"""Proofpoint TAP: clicks on known threats, and messages that contain one, from the SIEM API."""

from __future__ import annotations

from ci_operators.core.about import About, FormField

_WHERE = "TAP dashboard: Settings > Connected Applications > Create New Credential"

ABOUT = About(
    title="Proofpoint TAP",
    url=("URL", "Leave it empty to use https://tap-api-v2.proofpoint.com"),
    token=("Secret", f"The secret of the service principal ({_WHERE})"),
    url_example="https://tap-api-v2.proofpoint.com",
    default_url="https://tap-api-v2.proofpoint.com",
    event_id="event id",
    fields={"principal": FormField("Service principal", f"Shown with its secret. {_WHERE}.", section="HTTP Basic")},
)
