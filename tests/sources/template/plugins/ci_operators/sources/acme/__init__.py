"""Acme Cloud alerts."""

from __future__ import annotations

from ci_operators.core.about import About

ABOUT = About(
    title="Acme Cloud",
    url=("URL", "The address of the console, like https://acme.cloud.test"),
    token=("API Token", "Settings > API tokens, with the right to read alerts"),
    url_example="https://acme.cloud.test",
    event_id="alert id",
)
