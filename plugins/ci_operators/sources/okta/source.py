"""The Okta source, put together."""

from __future__ import annotations

from ci_operators.sources.okta import api, auth, criteria, log_event, look_up, mapping
from ci_operators.sources.okta.options import RETENTION
from ci_operators.sources.source import Source

SOURCE = Source(
    name="okta",
    title="Okta",
    docs_url="https://support.recordedfuture.com/hc/en-us/articles/22790207786771",
    api=auth.API,
    fetch=api.fetch,
    criteria=criteria.criteria_for,
    mapping=mapping.mapping_for,
    drop_reasons=criteria.DROP_REASONS,
    issues=mapping.ISSUES,
    notes=mapping.NOTES,
    faq={**criteria.FAQ, **mapping.FAQ},
    personal=log_event.PERSONAL,
    read_id=log_event.read_id,
    find_event=look_up.find_event,
    read_time=look_up.read_time,
    keeps=RETENTION,
)
