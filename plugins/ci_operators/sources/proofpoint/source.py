"""The Proofpoint TAP source."""

from __future__ import annotations

from ci_operators.sources import steps
from ci_operators.sources.proofpoint import api, event, mapping
from ci_operators.sources.source import Source

SOURCE = Source(
    name="proofpoint",
    docs_url="https://support.recordedfuture.com/hc/en-us/articles/27099828030483",
    api=api.API,
    fetch=api.fetch,
    find_event=api.find_event,
    criteria=steps.make_criteria(event.read_event, event.find_reason),
    mapping=steps.make_mapping(event.read_event, mapping.map_event, mapping.ISSUES, mapping.load_table),
    drop_reasons=event.DROP_REASONS,
    issues=steps.ISSUES | mapping.ISSUES,
    notes=steps.NOTES | mapping.NOTES,
    faq={},  # no question of Recorded Future's page is about a code
    id_paths=("id", "GUID"),
    time_path=lambda _: "threatTime",  # windows select events by their creation, which is not in them
    # SIEM API: people, their addresses and devices, and the names of messages and files.
    personal=(
        "recipient", "sender", "senderIP", "clickIP", "userAgent", "messageID", "subject", "fromAddress", "toAddresses",
        "ccAddresses", "replyToAddress", "headerFrom", "headerTo", "headerCC", "headerReplyTo", "filename",
    ),
    shown=(
        "id", "GUID", "clickTime", "messageTime", "threatID", "threatId", "threatTime", "threatType", "threatStatus",
        "classification", "campaignID", "campaignId", "phishScore", "malwareScore", "impostorScore", "spamScore",
    ),
    tables={"ATT&CK codes of Proofpoint's classifications": lambda: mapping.load_table(None).codes},
)  # fmt: skip
