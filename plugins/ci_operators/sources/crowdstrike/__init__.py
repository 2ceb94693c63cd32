"""CrowdStrike Falcon alerts, from the Alerts API."""

from __future__ import annotations

from ci_operators.core.about import About, FormField

#: Falcon's clouds, each with the domain of its console (falcon.) and its API (api.).
CLOUDS = {
    "us-1": "crowdstrike.com",
    "us-2": "us-2.crowdstrike.com",
    "us-3": "us-3.crowdstrike.com",
    "eu-1": "eu-1.crowdstrike.com",
    "us-gov-1": "laggar.gcw.crowdstrike.com",
    "us-gov-2": "us-gov-2.crowdstrike.mil",
}
_CLIENT = "Of an API client with the scope Alerts: Read (Support and resources > API clients and keys)."
_CHILD = "Only for a parent in Falcon Flight Control: the customer ID of the child whose alerts are read."

ABOUT = About(
    title="CrowdStrike",
    url=("URL", "Leave it empty to use the cloud below"),
    token=("Client secret", "The Falcon console shows it only once, when you create the API client"),
    url_example="https://api.us-2.crowdstrike.com",
    event_id="composite id",
    fields={
        "client_id": FormField("Client ID", _CLIENT, section="API client"),
        "cloud": FormField(
            "Cloud",
            "The cloud of your Falcon console. An API client works in one cloud only.",
            section="API client",
            choices={name: f"{name.upper()}: falcon.{domain}" for name, domain in CLOUDS.items()},
            default="us-1",
            is_optional=True,
        ),
        "member_cid": FormField("Member CID", _CHILD, section="API client", is_optional=True),
    },
)
