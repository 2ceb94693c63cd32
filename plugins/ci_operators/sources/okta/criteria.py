"""Which Okta events Recorded Future's documentation lets into Collective Insights (its FAQ 2).

a. the event type is `security.threat.detected`;
b. there is actor information, and the display name under it is not null.
"""

from __future__ import annotations

from ci_operators.core.indicator import is_private_ip, read_ip
from ci_operators.core.verdict import Dropped, Quarantined, Step
from ci_operators.sources.okta.log_event import LogEvent, read_log_event
from ci_operators.sources.okta.options import OktaConnector

EVENT_TYPE = "security.threat.detected"

#: Reason code -> the criterion in words.
DROP_REASONS = {
    "wrong_event_type": f'The event type is not "{EVENT_TYPE}".',
    "missing_actor": "There is no actor information under the event.",
    "null_display_name": "The display name under the actor information is null.",
    "private_address": "The indicator is no globally reachable address (option private_addresses: drop).",
}

#: Reason code -> the question of Recorded Future's FAQ that it answers. Options are ours: no question asks for them.
FAQ = {"wrong_event_type": "FAQ 2a", "missing_actor": "FAQ 2b", "null_display_name": "FAQ 2b"}


def criteria_for(connector: OktaConnector) -> Step:
    """Return the filter step of a connector: passes the event on as it is, or says why not."""
    drop_private = connector.private_addresses == "drop"

    def keep(event: bytes) -> bytes | Dropped | Quarantined:
        fields = read_log_event(event)
        if fields is None:
            return Quarantined("event_not_an_object", None, "The event is no JSON object.")
        reason = _find_reason(fields, drop_private)
        return event if reason is None else Dropped(reason, fields.uuid)

    return keep


def _find_reason(fields: LogEvent, drop_private: bool) -> str | None:
    if fields.eventType != EVENT_TYPE:
        return "wrong_event_type"
    if fields.actor is None:
        return "missing_actor"
    if fields.actor.displayName is None:
        return "null_display_name"
    if drop_private:
        ip = read_ip(fields.actor.displayName)
        if ip is not None and is_private_ip(ip):
            return "private_address"
    return None
