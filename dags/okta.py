"""# Okta to Collective Insights

Reads the threats that Okta ThreatInsight detected (`security.threat.detected`) from the System Log, and delivers
their addresses to Recorded Future's Collective Insights, each with the event's id, name, type, and reason, and with
the ATT&CK codes of the reason.

**An event arrives if** its type is `security.threat.detected` and its actor's display name is not null.
**It has ATT&CK codes if** the reason of its outcome is not null.
"""

from ci_operators.dag_factory import build_dags

# Airflow's parser skips files without the words airflow and dag.
globals().update(build_dags("okta", doc_md=__doc__))
