"""# SentinelOne to Collective Insights

Reads threats from SentinelOne, and delivers their hashes to Recorded Future's Collective Insights, each with the
threat's id and time and the ATT&CK codes of its indicators.

**A threat arrives if** it has a threat information section with a usable sha256, sha1 or md5 (in this order).
**It has ATT&CK codes if** its indicators have tactics.

## Unified alerts

`surface: unified_alerts` reads the alerts of Unified Alert Management instead: threats, and the behavioral, STAR and AI
detections that newer consoles never show as threats. An alert that is a threat too is the same detection: a change of
the surface sends nothing twice.

**An alert arrives if** its process file has a usable sha256, sha1 or md5, and SentinelOne raised it. Alerts of other
vendors' products do not arrive (`third_party_alerts`), and neither do informational alerts, which the console shows
only to those who ask for them.
**It has ATT&CK codes if** its details name them: one more request for each alert (`details_per_page`).

## Permissions and egress

The API token's user needs the role Viewer; for unified alerts its role must include Unified Alerts. Workers must reach
the console's host (HTTPS) and api.recordedfuture.com.

## Not yet confirmed by a live tenant

- An alert that is a threat too has the threat's id as its `externalId`, and the threat's hashes in `process.file`. With
  another id or hash, a change of the surface would send it again.
- All alerts have `createdAt`, and queries can filter and sort by it. If not: `alert_window: detected_at`.
- Windows of unified alerts accept milliseconds, include their start, and do not include their end.
- The permission for unified alerts in a role is called Unified Alerts > View.
- A 401 means a dead token, and a 429 can come without `Retry-After`: then the wait is 5 seconds.
"""

from ci_operators.dag_factory import build_dags

# Airflow's parser skips files without the words airflow and dag.
globals().update(build_dags("sentinelone", doc_md=__doc__))
