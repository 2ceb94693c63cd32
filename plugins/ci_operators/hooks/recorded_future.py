"""Recorded Future by an Airflow Connection of type `recorded_future`."""

from __future__ import annotations

from ci_operators.hooks.vendor import VendorHook
from ci_operators.recorded_future.api import API


class RecordedFutureHook(VendorHook):
    """Talks to Recorded Future's Collective Insights API.

    :param recorded_future_conn_id: Airflow Connection with the URL as host and the API token as password.
    """

    conn_name_attr = "recorded_future_conn_id"
    default_conn_name = "recorded_future_default"
    conn_type = "recorded_future"
    hook_name = "Recorded Future"

    def __init__(self, recorded_future_conn_id: str = default_conn_name) -> None:
        super().__init__(API, recorded_future_conn_id)
