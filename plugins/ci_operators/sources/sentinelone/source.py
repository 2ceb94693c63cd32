"""The SentinelOne source, put together."""

from __future__ import annotations

from ci_operators.sources.sentinelone import api, event, mapping
from ci_operators.sources.source import Source
from ci_operators.sources.steps import make_criteria, make_mapping

SOURCE = Source(
    name="sentinelone",
    docs_url="https://support.recordedfuture.com/hc/en-us/articles/20684000447507",
    api=api.API,
    fetch=api.fetch,
    find_event=api.find_event,
    criteria=make_criteria(event.read_threat, event.find_reason),
    mapping=make_mapping(event.read_threat_with_indicators, mapping.map_threat, mapping.ISSUES),
    drop_reasons=event.DROP_REASONS,
    issues=mapping.ISSUES,
    notes=mapping.NOTES,
    # Options are ours: no question asks for them.
    faq={
        "missing_threat_info": "FAQ 3",
        "no_usable_hash": "FAQ 3",
        "no_tactics": "FAQ 4",
        "unknown_tactic": "FAQ 4",
        "unknown_technique": "FAQ 4",
        "withdrawn_technique": "FAQ 4",
    },
    id_paths=("threatInfo.threatId", "id"),
    time_path=lambda connector: f"threatInfo.{connector.window_key}",
    # Management API v2.1, GET /threats: what tells of a person, their computer or their files.
    personal=(
        "agentDetectionInfo", "agentRealtimeInfo", "containerInfo", "kubernetesInfo", "ecsInfo",
        "threatInfo.threatName", "threatInfo.storyline", "threatInfo.processUser", "threatInfo.filePath",
        "threatInfo.originatorProcess", "threatInfo.maliciousProcessArguments", "threatInfo.initiatingUserId",
        "threatInfo.initiatingUsername", "threatInfo.rootProcessUpn", "threatInfo.externalTicketId",
        "threatInfo.macroModules",
    ),
    shown=(
        "threatId", "classification", "classificationSource", "confidenceLevel", "analystVerdict", "incidentStatus",
        "mitigationStatus", "createdAt", "updatedAt", "identifiedAt", "sha256", "sha1", "md5", "link",
    ),
)  # fmt: skip
