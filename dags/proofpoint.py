"""# Proofpoint TAP to Collective Insights

Reads clicks and messages from Proofpoint TAP's SIEM API, and delivers the URLs, domains, and file hashes of their
threats to Recorded Future's Collective Insights.

**A click arrives if** its URL is at a public domain or IP address, and Proofpoint still considers it a threat.
**A message arrives if** one of its threats is such a URL or domain, or the hash of a file, and if it reaches all scores
of one of the `score_groups`, if any are set. A message gives a detection for each of its threats.
**A detection has ATT&CK codes if** the classification of its threat is in the table of `classifications_file`.

**Permissions.** A service principal and its secret: TAP dashboard, *Settings > Connected Applications > Create New
Credential*. They can read all of TAP's API; narrower rights do not exist.
**Egress.** `https://tap-api-v2.proofpoint.com` and `https://api.recordedfuture.com`.
**Privacy.** The URL of a threat can contain the recipient's mail address, and is delivered unchanged. No other personal
data is delivered.

**Limits.** Proofpoint has events of the last seven days, returns one hour for each request, and allows 1,800 requests
in 24 hours for all tools. A run of 30 minutes with its overlap takes one request, a day of initial import or backfill
24. When the requests are used up, the run waits and continues where it stopped. Events that become too old while it
waits are lost: the log of `extract` shows their time.

## FAQ

1. **Why did a click or message not arrive?** The run's page shows the reason. Usually Proofpoint has cleared
   the threat, or the threat is the text of a message, which has no indicator.
2. **Why does a detection have no ATT&CK code?** Proofpoint's events have none. The code comes from the classification,
   and only `phish` and `malware` have one.
3. **Why is a detection older than its message?** Its time is the time at which Proofpoint recognized the
   threat. Proofpoint also adds events for old messages and clicks when it recognizes their threat later.
4. **Why does Explain not ask Proofpoint for an event?** Its API has no search by id. Explain finds only events that
   runs have read.

## Not yet confirmed by a live tenant

The `id` of an event never changes: if a message got another `id` with each new threat, its earlier threats would be
sent again. An answer's `queryEndTime` is the end of its interval: if it is more than a minute earlier, the try fails,
because the rest would be lost. An interval includes its start but not its end, and can have milliseconds. Events
appear at most 30 minutes after their creation: increase `overlap` if they take longer. A URL without a scheme is sent
with `http://`.
"""

from ci_operators.dag_factory import build_dags

# Airflow's parser skips files without the words airflow and dag.
globals().update(build_dags("proofpoint", doc_md=__doc__))
