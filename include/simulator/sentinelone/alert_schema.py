"""The schema of Unified Alert Management, as far as connectors use it: types and members by SentinelOne's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simulator.sentinelone.graphql import Schema


def _members(plain: str, **objects: str) -> Mapping[str, str]:
    return {**dict.fromkeys(plain.split(), ""), **objects}


_ALERT: Final = _members(
    "id externalId name description classification analystVerdict confidenceLevel severity status result detectedAt "
    "createdAt updatedAt firstSeenAt lastSeenAt storylineId ticketId noteExists labels dataSources attackSurfaces "
    "primaryIndicatorType fileHash fileName",
    assets="Asset", detectionSource="DetectionSource", process="Process", realTime="RealTime",
)  # fmt: skip
SCHEMA: Final = Schema(
    objects={
        "Query": {"alerts": "UnifiedAlertConnection", "alert": "UnifiedAlertDetail"},
        "UnifiedAlertConnection": _members("totalCount", edges="UnifiedAlertEdge", pageInfo="PageInfo"),
        "UnifiedAlertEdge": _members("cursor", node="UnifiedAlert"),
        "PageInfo": _members("hasNextPage hasPreviousPage startCursor endCursor"),
        "UnifiedAlert": _ALERT,
        "UnifiedAlertDetail": {**_ALERT, "indicators": "Indicator"},
        "Indicator": _members("uid type title description message severity eventTime primary", attacks="Attack"),
        "Attack": _members("", tactic="Tactic", technique="Technique"),
        "Tactic": _members("uid name sourceUrl"),
        "Technique": _members("uid name sourceUrl"),
        "Asset": _members("id name category subcategory osType osVersion agentUuid lastLoggedInUser"),
        "DetectionSource": _members("product vendor engine"),
        "Process": _members("cmdLine parentName", file="File"),
        "File": _members("name path sha256 sha1 md5 certSubject"),
        "RealTime": _members("", scope="Scope"),
        "Scope": _members("", account="Level", site="Level", group="Level"),
        "Level": _members("id name"),
    },
    arguments={
        "alert": {"id": "ID!", "scope": "ScopeSelectorInput"},
        "alerts": {
            "after": "String", "filters": "[FilterInput!]", "first": "Int", "scope": "ScopeSelectorInput",
            "sort": "SortInput", "viewType": "ViewType",
        },
    },
    inputs={
        "FilterInput": {
            "fieldId": "String!", "isNegated": "Boolean", "dateTimeRange": "RangeFilter_LongInput",
            "stringEqual": "EqualFilter_StringInput", "stringIn": "InFilter_StringInput",
        },
        "RangeFilter_LongInput": {
            "start": "Long", "startInclusive": "Boolean", "end": "Long", "endInclusive": "Boolean"
        },
        "EqualFilter_StringInput": {"value": "String"},
        "InFilter_StringInput": {"values": "[String]"},
        "ScopeSelectorInput": {"scopeIds": "[ID!]!", "scopeType": "ScopeType"},
        "SortInput": {"by": "String!", "order": "SortOrderType"},
    },
    enums={
        "ScopeType": ("ACCOUNT", "SITE", "GROUP", "GLOBAL"),
        "SortOrderType": ("ASC", "DESC"),
        "ViewType": ("ALL", "ENDPOINT", "IDENTITY", "STAR", "CUSTOM_ALERTS", "CLOUD", "THIRD_PARTY"),
    },
)  # fmt: skip
#: Fields that alerts can be filtered by, each with its comparators (alertColumnMetadata).
COMPARATORS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("detectedAt", "createdAt", "updatedAt"), ("dateTimeRange",)),
    **dict.fromkeys(
        ("id", "externalId", "analystVerdict", "confidenceLevel", "severity", "status"), ("stringEqual", "stringIn")
    ),
}
