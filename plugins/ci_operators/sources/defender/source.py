"""The Microsoft Defender XDR source."""

from __future__ import annotations

from ci_operators.sources import steps
from ci_operators.sources.defender import api, event, mapping
from ci_operators.sources.source import Source

SOURCE = Source(
    name="defender",
    docs_url="https://support.recordedfuture.com/hc/en-us/articles/23612412866195",
    api=api.API,
    fetch=api.fetch,
    find_event=api.find_event,
    criteria=steps.make_criteria(event.read_alert, event.find_reason),
    mapping=steps.make_mapping(event.read_alert, mapping.map_alert, mapping.ISSUES),
    drop_reasons=event.DROP_REASONS,
    issues=steps.ISSUES | mapping.ISSUES,
    notes=steps.NOTES | mapping.NOTES,
    faq={},  # Recorded Future's page has none
    id_paths=("id",),
    time_path=lambda connector: connector.window_key,
    # Microsoft Graph, alert and alertEvidence: members about a person, their computer, files, or mail.
    personal=(
        "assignedTo", "comments", "description", "additionalData", "customDetails", "evidence.account",
        "evidence.attachments", "evidence.azureAdDeviceId", "evidence.deviceDnsName", "evidence.displayName",
        "evidence.dnsDomain", "evidence.fileDetails.fileName", "evidence.fileDetails.filePath",
        "evidence.hostIpAddress", "evidence.hostName", "evidence.imageFile.fileName", "evidence.imageFile.filePath",
        "evidence.internetMessageId", "evidence.ipInterfaces", "evidence.lastExternalIpAddress",
        "evidence.lastIpAddress", "evidence.location", "evidence.loggedOnUsers", "evidence.mdeDeviceId",
        "evidence.ntDomain", "evidence.p1Sender", "evidence.p2Sender", "evidence.parentProcessImageFile",
        "evidence.primaryAddress", "evidence.processCommandLine", "evidence.query", "evidence.recipientEmailAddress",
        "evidence.registryKey", "evidence.registryValue", "evidence.subject", "evidence.tags",
        "evidence.userAccount", "evidence.vmMetadata",
    ),
    shown=(
        "id", "providerAlertId", "incidentId", "severity", "status", "classification", "determination", "category",
        "serviceSource", "detectionSource", "productName", "mitreTechniques", "createdDateTime", "lastUpdateDateTime",
        "firstActivityDateTime", "lastActivityDateTime", "resolvedDateTime", "@odata.type", "verdict", "roles",
        "remediationStatus", "algorithm", "sha256", "sha1", "md5",
    ),
)  # fmt: skip
