"""Recorded Future's Collective Insights API, the destination of detections."""

from __future__ import annotations

from ci_operators.core.about import About

ABOUT = About(
    title="Recorded Future",
    url=("URL", "Empty: https://api.recordedfuture.com"),
    token=("API Token", "Collective Insights API token, from Recorded Future's support"),
    url_example="https://api.recordedfuture.com",
    default_url="https://api.recordedfuture.com",
)
