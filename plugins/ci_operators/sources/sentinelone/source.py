"""The SentinelOne source, put together."""

from __future__ import annotations

from types import ModuleType

from ci_operators.sources import steps
from ci_operators.sources.sentinelone import alerts_api, api, event, mapping
from ci_operators.sources.source import Source

#: How to read each surface, by the word of option `surface`.
_SURFACES: dict[str, ModuleType] = {"threats": api, "unified_alerts": alerts_api}

SOURCE = Source(
    name="sentinelone",
    docs_url="https://support.recordedfuture.com/hc/en-us/articles/20684000447507",
    api=api.API,
    check=api.check_surface,
    fetch=lambda client, connector, *rest: _SURFACES[connector.surface].fetch(client, connector, *rest),
    find_event=lambda client, connector, *rest: _SURFACES[connector.surface].find_event(client, connector, *rest),
    criteria=steps.make_criteria(event.read_event, event.find_reason),
    mapping=steps.make_mapping(event.read_whole_event, mapping.map_event, mapping.ISSUES),
    drop_reasons=event.DROP_REASONS,
    issues=steps.ISSUES | mapping.ISSUES,
    notes=steps.NOTES | mapping.NOTES,
    # Options are ours: no question asks for them.
    faq={
        "missing_threat_info": "FAQ 3",
        "no_usable_hash": "FAQ 3",
        "no_tactics": "FAQ 4",
        "no_details": "FAQ 4",
        "unknown_tactic": "FAQ 4",
        "unknown_technique": "FAQ 4",
        "withdrawn_technique": "FAQ 4",
    },
    id_paths=("threatInfo.threatId", "externalId", "id"),
    is_id=event.is_id,
    time_path=lambda connector: ("" if connector.reads_alerts else "threatInfo.") + connector.window_key,
    # Management API v2.1, GET /threats: what identifies a person, their computer or their files. `name` is an alert's.
    personal=(
        "name",
        "agentDetectionInfo", "agentRealtimeInfo", "containerInfo", "kubernetesInfo", "ecsInfo",
        "threatInfo.threatName", "threatInfo.storyline", "threatInfo.processUser", "threatInfo.filePath",
        "threatInfo.originatorProcess", "threatInfo.maliciousProcessArguments", "threatInfo.initiatingUserId",
        "threatInfo.initiatingUsername", "threatInfo.rootProcessUpn", "threatInfo.externalTicketId",
        "threatInfo.macroModules",
    ),
    shown=(
        "threatId", "classification", "classificationSource", "confidenceLevel", "analystVerdict", "incidentStatus",
        "mitigationStatus", "createdAt", "updatedAt", "identifiedAt", "sha256", "sha1", "md5", "link",
        "externalId", "severity", "status", "detectedAt", "product", "vendor",
    ),
)  # fmt: skip
