"""A vendor's API by an Airflow Connection."""

from __future__ import annotations

from typing import Any

from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk.exceptions import AirflowNotFoundException

from ci_operators.core.errors import ConfigurationError
from ci_operators.transport.api import Api, Credentials, open_client, read_base_url
from ci_operators.transport.client import Client
from ci_operators.transport.pacing import Pacer


class VendorHook(HttpHook):
    """Talks to the API of a source or of Recorded Future.

    The HTTP provider's hook gives the session: proxies, certificates (`verify`, `cert`) and so on from the
    Connection's extra work here as everywhere in Airflow. Its scheme and time-out defaults do not apply.

    :param api: the vendor's API.
    :param conn_id: Airflow Connection with the URL as host and the API token as password.
    """

    def __init__(self, api: Api, conn_id: str) -> None:
        super().__init__(http_conn_id=conn_id)
        self.api = api

    def get_client(self, pacer: Pacer | None = None) -> Client:
        """Return a client of the API.

        Raises ConfigurationError, in a sentence naming the Connection, when it is missing or incomplete.
        """
        credentials = self.get_credentials()
        return open_client(self.api, credentials, self.get_conn(), pacer or Pacer())

    def get_credentials(self) -> Credentials:
        """Return what the Connection holds, as a person entered it."""
        conn_id = self.http_conn_id
        try:
            connection = self.get_connection(conn_id)
        except AirflowNotFoundException:
            raise ConfigurationError(
                f"Airflow Connection {conn_id} does not exist: create it under Admin > Connections with the URL "
                f"of {self.api.vendor.title} as host and the API token as password."
            ) from None
        host = connection.host or ""
        if host and "://" not in host and connection.schema in ("http", "https"):
            host = f"{connection.schema}://{host}"
        if host and connection.port and not host.rstrip("/").endswith(f":{connection.port}"):
            host = f"{host.rstrip('/')}:{connection.port}"
        return Credentials(conn_id=conn_id, url=host, token=connection.password or "")

    def _set_base_url(self, connection: Any) -> None:
        """Read the URL as everywhere here; the provider's way ends in ValueError on what we repair or refuse."""
        del connection
        self.base_url = read_base_url(self.api, self.get_credentials())

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the cheapest authenticated call goes well, and a sentence on it."""
        client = self.get_client()
        return True, f"{self.api.vendor.title}: {self.api.check(client)}."
