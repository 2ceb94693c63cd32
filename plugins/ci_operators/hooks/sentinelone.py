"""SentinelOne by an Airflow Connection of type `sentinelone`."""

from __future__ import annotations

from ci_operators.hooks.vendor import VendorHook
from ci_operators.sources.sentinelone.api import API


class SentinelOneHook(VendorHook):
    """Talks to a SentinelOne console's Management API.

    :param sentinelone_conn_id: Airflow Connection with the URL as host and the API token as password.
    """

    conn_name_attr = "sentinelone_conn_id"
    default_conn_name = "sentinelone_default"
    conn_type = "sentinelone"
    hook_name = "SentinelOne"

    def __init__(self, sentinelone_conn_id: str = default_conn_name) -> None:
        super().__init__(API, sentinelone_conn_id)
