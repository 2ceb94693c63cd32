"""A vendor's API by an Airflow Connection."""

from __future__ import annotations

import json
from typing import Any

import requests
from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import Connection
from airflow.sdk.log import mask_secret

from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.hooks.connection import find_connection
from ci_operators.transport.api import Api, Credentials, open_client, read_base_url
from ci_operators.transport.client import Client
from ci_operators.transport.pacing import Pacer

#: How long the Test button lets a person wait for a vendor that does not answer: to connect, to read.
BUTTON_TIMEOUT_S = (5.0, 15.0)


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
        self._found: Connection | None = None

    def get_client(self, pacer: Pacer | None = None) -> Client:
        """Return a client of the API.

        Raises ConfigurationError, in a sentence naming the Connection, when it is missing or incomplete.
        """
        credentials, session = self.get_credentials(), self.get_conn()
        if not session.verify:
            self.log.warning(
                "Connection %s: verify is false, so that anybody on the way to %s can read the token and the events.",
                self.http_conn_id,
                self.api.vendor.title,
            )
        return open_client(self.api, credentials, session, pacer or Pacer())

    def get_hasty_client(self, timeout_s: tuple[float, float]) -> Client:
        """Return a client for somebody who is waiting: one try, no longer than the time-outs (connect, read).

        Raises what `get_client` does.
        """
        client = self.get_client()
        client.attempts, client.timeout_s = 1, timeout_s
        return client

    def get_credentials(self) -> Credentials:
        """Return what the Connection holds, as a person entered it."""
        connection = find_connection(
            self.http_conn_id,
            self.get_connection,
            f"create it under Admin > Connections with the URL of {self.api.vendor.title} as host and the API token "
            f"as password.",
        )
        host = connection.host or ""
        if host and "://" not in host and connection.schema in ("http", "https"):
            host = f"{connection.schema}://{host}"
        if host and connection.port and not host.rstrip("/").endswith(f":{connection.port}"):
            host = f"{host.rstrip('/')}:{connection.port}"
        extra = connection.extra_dejson
        options = {name: extra[name] for name in self.api.options if extra.get(name)}
        return Credentials(self.http_conn_id, host, connection.password or "", options, mask_secret)

    def check(self) -> str:
        """Return a sentence on what works, after the cheapest authenticated call, or raise an error of the tree."""
        return self._check(self.get_client())

    def test_connection(self) -> tuple[bool, str]:
        """Return whether that call goes well, and the sentence: what the Test button in Airflow's UI shows.

        One try, since somebody is waiting. The button's Connection has a random id, so its id is not named.
        """
        try:
            return True, self._check(self.get_hasty_client(BUTTON_TIMEOUT_S))
        except CollectiveInsightsError as err:
            return False, str(err).replace(f"Connection {self.http_conn_id}", "This Connection")

    def _check(self, client: Client) -> str:
        return f"{self.api.vendor.title}: {self.api.check(client)}."

    def get_connection(self, conn_id: str) -> Connection:  # type: ignore[override]  # the provider's asks the class
        """Return the hook's own Connection, asked for once: in a task that is a request to Airflow's API server."""
        self._found = self._found or super().get_connection(conn_id)
        return self._found

    def _set_base_url(self, connection: Any) -> None:
        """Read the URL as everywhere here; the provider's way ends in ValueError on what we repair or refuse."""
        del connection
        self.base_url = read_base_url(self.api, self.get_credentials())

    def _configure_session_from_auth(self, session: requests.Session, connection: Any) -> requests.Session:
        """Leave it to the client: a login in the Connection means nothing here."""
        del connection
        return session

    def _configure_session_from_extra(
        self, session: requests.Session, connection: Any, extra_options: dict[str, Any]
    ) -> requests.Session:
        """Hand the provider only what is filled in and meant for it: it makes headers of all that it does not know."""
        extra = {name: value for name, value in connection.extra_dejson.items() if value not in (None, "")}
        network = {name: value for name, value in extra.items() if name not in self.api.options}
        if isinstance(proxy := network.pop("proxy", None), str):  # the form's field; the provider knows only a mapping
            network.setdefault("proxies", {"http": proxy, "https": proxy})
        elif proxy is not None:
            network["proxy"] = proxy
        cleaned = Connection(conn_id=self.http_conn_id, extra=json.dumps(network))
        return super()._configure_session_from_extra(session, cleaned, extra_options)
