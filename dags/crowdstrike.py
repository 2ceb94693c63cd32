"""# CrowdStrike to Collective Insights

Reads alerts from the Falcon Alerts API, and delivers their indicators (hashes, addresses, domains) to Recorded
Future's Collective Insights. Each indicator is one detection, with the alert's composite id, description, type, time,
and ATT&CK codes. Recorded Future's page describes the Detects API, which no longer exists: alerts replace it.

**An alert arrives if** its product is in `products` (default `epp`, endpoint protection) and it has an indicator, in
its IOC context, as its IOC value, or as a quarantined file. **It does not arrive if** it has only the hash of the
acting process, which is often a system program such as `cmd.exe`. Set `process_hashes: send` to include this hash.
**It has ATT&CK codes if** its techniques or tactics are in ATT&CK. CrowdStrike's own (`CST0002`, `CSTA0006`) are not.

**Permissions.** An API client with the scope *Alerts: Read* (Falcon console: Support and resources > API clients and
keys). Enter its client ID, its secret, and your cloud in the Connection. In Falcon Flight Control, create a connector
for each child, and enter the customer ID of the child too.
**Egress.** The workers call `https://api.crowdstrike.com`, or the host of your cloud, such as
`https://api.eu-1.crowdstrike.com`. If the client has an IP allowlist, add the workers' addresses.

## FAQ

1. **Why do fewer detections arrive than Falcon shows?** Alerts without an indicator are dropped, and so are alerts of
   other products or below `min_severity` or `min_confidence`. The run's page counts each reason.
2. **Why does one alert give several detections?** Each indicator is a detection with the same incident id.
3. **Why does a detection have no ATT&CK code?** Its alert has only CrowdStrike's techniques, or none. See the notes.
4. **What counts as verified?** With `only_analyst_verified`, the resolution `true_positive`. Verdicts come late, so
   windows select alerts by `updated_timestamp`, up to `verified_floor` after their creation. Nothing is sent twice.
5. **Why does the Test button name another cloud?** Credentials work in one cloud only. Select the named cloud.

## Not yet confirmed by a live tenant

- `resolution` is not in the request, because no reference lists it as a filter. The filter stage reads it.
- Pages are sorted by `created_timestamp`, which never changes, even if `updated_timestamp` selects the window.
- If a search ends early (400, 404, or the same as an error in a 200), the window is read again in smaller pieces.
- Whether the endpoint returns hidden alerts by default.
- Whether a client secret expires, and the exact errors of the token endpoint.
"""

from ci_operators.dag_factory import build_dags

# Airflow's parser skips files without the words airflow and dag.
globals().update(build_dags("crowdstrike", doc_md=__doc__))
