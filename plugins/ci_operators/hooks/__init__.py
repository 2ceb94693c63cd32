"""Airflow Connections as clients: how to talk to a vendor."""
