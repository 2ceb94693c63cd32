"""The SentinelOne source, put together."""

from __future__ import annotations

from ci_operators.sources.sentinelone import api, criteria, look_up, mapping, threat
from ci_operators.sources.source import Source

SOURCE = Source(
    name="sentinelone",
    title="SentinelOne",
    docs_url="https://support.recordedfuture.com/hc/en-us/articles/20684000447507",
    api=api.API,
    fetch=api.fetch,
    criteria=criteria.criteria_for,
    mapping=mapping.mapping_for,
    drop_reasons=criteria.DROP_REASONS,
    issues=mapping.ISSUES,
    notes=mapping.NOTES,
    faq={**criteria.FAQ, **mapping.FAQ},
    personal=threat.PERSONAL,
    read_id=threat.read_id,
    find_event=look_up.find_event,
    read_time=look_up.read_time,
)
