"""Okta by an Airflow Connection of type `okta`."""

from __future__ import annotations

from ci_operators.hooks.vendor import VendorHook
from ci_operators.sources.okta.auth import API


class OktaHook(VendorHook):
    """Talks to an Okta org's System Log API.

    :param okta_conn_id: Airflow Connection with the URL as host and the API token as password.
    """

    conn_name_attr = "okta_conn_id"
    default_conn_name = "okta_default"
    conn_type = "okta"
    hook_name = "Okta"

    def __init__(self, okta_conn_id: str = default_conn_name) -> None:
        super().__init__(API, okta_conn_id)
