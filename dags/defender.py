"""# Microsoft Defender XDR to Collective Insights

Reads alerts from Microsoft Graph (`/v1.0/security/alerts_v2`), and delivers the indicators of their evidence to
Recorded Future's Collective Insights, each with the alert's id, title, product, detection source, time, and
ATT&CK techniques.

**An alert arrives if** its evidence has an indicator with a verdict in the option `evidence_verdicts` (default:
malicious and suspicious). Indicators are the hashes of files and processes, file hashes, URLs, IP addresses, DNS
names, and the URLs and sender addresses of mail. Each indicator arrives once for each alert: a file that is also a
process and a hash is one indicator, with its SHA-256 if that is known.
**It has ATT&CK codes if** the alert has techniques that are in ATT&CK.

**What does not arrive:** evidence without such a verdict, evidence of users, devices, and mailboxes, parent processes,
private addresses and URLs of internal hosts (option `private_addresses`), Authenticode hashes.

**Permissions:** An app registration with the *application* permission `SecurityAlert.Read.All` of Microsoft Graph and
admin consent, with a client secret or a certificate. `SecurityEvents.Read.All` is for the legacy API and is not enough.
**Egress:** The workers call `graph.microsoft.com` and `login.microsoftonline.com` (GCC High: `graph.microsoft.us`; DoD:
`dod-graph.microsoft.us`; both: `login.microsoftonline.us`; China: `microsoftgraph.chinacloudapi.cn` and
`login.chinacloudapi.cn`).

## Questions

1. *Why is an alert missing that the portal shows?* Explain shows the reason. Usually its evidence had no verdict when
   the alert was read: an investigation adds it minutes or hours later. Set `follow_updates: true` to read alerts again
   when they change. Nothing is sent twice.
2. *Why is an analyst's true positive missing?* Its classification came after the alert was read. Set
   `only_analyst_verified: true` to read alerts by their last update.
3. *Why does a detection have no ATT&CK codes?* Its alert has no techniques, or only techniques that are not in ATT&CK.
4. *What does 206 mean?* A product behind Graph did not answer. The run tries again, because its window is incomplete.
5. *What if the sign-in fails?* The error shows Entra ID's number (AADSTS...) and what to do. AADSTS7000222: the
   client secret has expired.

## Not yet confirmed by a live tenant

- `$orderby` is not in the reference of `alerts_v2`; other products send it. If Graph ignored it, pages would come in
  another order, and nothing else would change.
- A rejected page link (400) has expired or has reached a limit of pages: the window is read again in smaller pieces.
- The link of the next page has `$skiptoken` or `$skip`, and the same path.
- Filters accept milliseconds, and `classification eq 'truePositive'` without a type name.
- Pages of 500 alerts: Graph may send fewer.
- Graph's reference does not list the China cloud for `alerts_v2`.
- In windows by the last update, alerts can change between two pages. If Graph's page links count rows, an alert at the
  edge of a page can be skipped; only windows of more than 500 changed alerts have such edges.
"""

from ci_operators.dag_factory import build_dags

# Airflow's parser skips files without the words airflow and dag.
globals().update(build_dags("defender", doc_md=__doc__))
