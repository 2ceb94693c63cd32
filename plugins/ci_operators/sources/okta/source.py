"""The Okta source."""

from __future__ import annotations

from ci_operators.sources import steps
from ci_operators.sources.okta import api, event, mapping
from ci_operators.sources.source import Source

SOURCE = Source(
    name="okta",
    docs_url="https://support.recordedfuture.com/hc/en-us/articles/22790207786771",
    api=api.API,
    fetch=api.fetch,
    find_event=api.find_event,
    criteria=steps.make_criteria(event.read_log_event, event.find_reason),
    mapping=steps.make_mapping(event.read_log_event, mapping.map_event, mapping.ISSUES, mapping.load_reasons),
    drop_reasons=event.DROP_REASONS,
    issues=steps.ISSUES | mapping.ISSUES,
    notes=steps.NOTES | mapping.NOTES,
    # Options are ours: no question is about them.
    faq={
        "wrong_event_type": "FAQ 2a",
        "missing_actor": "FAQ 2b",
        "null_display_name": "FAQ 2b",
        "no_outcome_reason": "FAQ 3a",
        "unknown_outcome_reason": "FAQ 3",
        "withdrawn_technique": "FAQ 3",
    },
    id_paths=("uuid",),
    time_path=lambda _: "published",
    # System Log API, LogEvent: members about a person, a device, or a place, and members that name the actor.
    # `actor.displayName` is the indicator and stays visible.
    personal=(
        "actor.id", "actor.alternateId", "actor.detailEntry", "authenticationContext", "client", "debugContext",
        "device", "request", "securityContext", "target", "transaction",
    ),
    shown=(
        "uuid", "eventType", "legacyEventType", "published", "severity", "version", "displayMessage", "result",
        "reason",
    ),
    tables={"ATT&CK codes of Okta's outcome reasons": lambda: mapping.load_reasons(None).codes},
)  # fmt: skip
