"""The ledger: what happened to every detection, in PostgreSQL. SQLAlchemy and Alembic, no Airflow."""
