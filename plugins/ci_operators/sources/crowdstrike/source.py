"""The CrowdStrike source."""

from __future__ import annotations

from ci_operators.sources import steps
from ci_operators.sources.crowdstrike import api, event, mapping
from ci_operators.sources.source import Source

SOURCE = Source(
    name="crowdstrike",
    docs_url="https://support.recordedfuture.com/hc/en-us/articles/22933522551955",
    api=api.API,
    fetch=api.fetch,
    find_event=api.find_event,
    criteria=steps.make_criteria(event.read_alert, event.find_reason),
    mapping=steps.make_mapping(event.read_alert, mapping.map_alert, mapping.ISSUES),
    drop_reasons=event.DROP_REASONS,
    issues=steps.ISSUES | mapping.ISSUES,
    notes=steps.NOTES | mapping.NOTES,
    faq={},  # no question of Recorded Future's page is about a code
    id_paths=("composite_id", "id"),
    time_path=lambda connector: connector.window_key,
    # Alerts API: members about a person, their computer, or their files.
    personal=(
        "device", "agent_id", "user_id", "user_name", "user_principal", "user_sid", "users", "logon_domain", "hosts",
        "cmdline", "filename", "filepath", "parent_details", "grandparent_details", "files_written", "files_accessed",
        "network_accesses", "dns_requests", "ioc_context.ioc_description", "ioc_description",
        "quarantined_files.filename", "quarantined_files.id", "quarantined_files.aid", "assigned_to_name",
        "assigned_to_uid", "assigned_to_uuid", "comments", "source_account_name", "source_account_upn",
        "source_account_sam_account_name", "source_endpoint_host_name", "source_endpoint_address_ip4",
        "source_endpoint_address_ip6", "target_account_name", "target_endpoint_host_name", "host_names", "email",
        "mobile_details", "process_graph_id", "entities",
    ),
    shown=(
        "composite_id", "product", "type", "display_name", "severity", "severity_name", "confidence", "status",
        "resolution", "timestamp", "created_timestamp", "updated_timestamp", "tactic", "tactic_id", "technique",
        "technique_id", "sha256", "sha1", "md5", "ioc_type", "ioc_value", "ioc_values", "ioc_source", "state",
    ),
)  # fmt: skip
