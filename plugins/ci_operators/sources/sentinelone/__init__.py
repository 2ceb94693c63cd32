"""SentinelOne threats, by the Management API v2.1, and unified alerts, by GraphQL."""

from __future__ import annotations

from ci_operators.core.about import About

ABOUT = About(
    title="SentinelOne",
    url=("Instance URL", "URL in the address bar when logged in, like https://acme.sentinelone.net"),
    token=("API Key", "Settings > Users > Current User > Generate API Token (Viewer suffices)"),
    url_example="https://acme.sentinelone.net",
    event_id="threat id",
)
