"""The Acme Cloud source, assembled."""

from __future__ import annotations

from ci_operators.sources import steps
from ci_operators.sources.acme import api, event, mapping
from ci_operators.sources.source import Source

SOURCE = Source(
    name="acme",
    docs_url="https://support.recordedfuture.com/hc/en-us/articles/0",
    api=api.API,
    fetch=api.fetch,
    find_event=api.find_event,
    criteria=steps.make_criteria(event.read_alert, event.find_reason),
    mapping=steps.make_mapping(event.read_alert, mapping.map_alert, mapping.ISSUES),
    drop_reasons=event.DROP_REASONS,
    issues=steps.ISSUES | mapping.ISSUES,
    notes=steps.NOTES | mapping.NOTES,
    faq={"no_indicators": "FAQ 1"},
    id_paths=("id",),
    time_path=lambda _: "time",
    personal=("user", "host"),
    shown=("time", "category", "severity", "technique", "kind"),
)
