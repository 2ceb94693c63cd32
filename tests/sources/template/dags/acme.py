"""# Acme Cloud to Collective Insights

Reads alerts from Acme Cloud, and delivers their indicators to Recorded Future's Collective Insights.
"""

from ci_operators.dag_factory import build_dags

# Airflow's parser skips files without the words airflow and dag.
globals().update(build_dags("acme", doc_md=__doc__))
