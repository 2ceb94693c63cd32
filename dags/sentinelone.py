"""# SentinelOne to Collective Insights

Reads threats from SentinelOne, and delivers their hashes to Recorded Future's Collective Insights, each with the
threat's id and time and the ATT&CK codes of its indicators.

**A threat arrives if** it has a threat information section with a usable sha256, sha1 or md5 (in this order).
**It has ATT&CK codes if** its indicators have tactics.
"""

from ci_operators.dag_factory import build_dags

# Airflow's parser skips files without the words airflow and dag.
globals().update(build_dags("sentinelone", doc_md=__doc__))
