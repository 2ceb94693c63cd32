"""The hook for a vendor's API, and a hook class for each connection type: OktaHook, SentinelOneHook …"""

from __future__ import annotations

import json
from typing import Any

from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import Connection
from airflow.sdk.log import mask_secret

from ci_operators.core.errors import CollectiveInsightsError
from ci_operators.hooks import load_vendors
from ci_operators.hooks.connection import find_connection
from ci_operators.recorded_future.api import API as RECORDED_FUTURE
from ci_operators.sources import SOURCES
from ci_operators.sources.registry import load_source
from ci_operators.transport.api import Api, Credentials, open_client, read_base_url
from ci_operators.transport.client import Client
from ci_operators.transport.pacing import Pacer

#: Connect and read timeouts of the Test button, because a person waits for it.
BUTTON_TIMEOUT_S = (5.0, 15.0)


class VendorHook(HttpHook):
    """Talks to the API of a source or of Recorded Future.

    The HTTP provider's hook makes the session: proxies, certificates (`verify`, `cert`) and so on in the
    Connection's extra work as everywhere in Airflow. Its defaults for scheme and timeout do not apply.

    :param api: the vendor's API.
    :param conn_id: Airflow Connection with the URL as host and the API token as password.
    """

    def __init__(self, api: Api, conn_id: str) -> None:
        super().__init__(http_conn_id=conn_id)
        self.api = api
        self._found: Connection | None = None

    def get_client(self, pacer: Pacer | None = None) -> Client:
        """Return a client of the API.

        Raises ConfigurationError with the Connection's name if it is missing or incomplete.
        """
        credentials, session = self.get_credentials(), self.get_conn()
        if not session.verify:
            self.log.warning(
                "Connection %s: verify is false, so anybody between here and %s can read the token and the events.",
                self.http_conn_id,
                self.api.about.title,
            )
        return open_client(self.api, credentials, session, pacer or Pacer())

    def get_hasty_client(self, timeout_s: tuple[float, float]) -> Client:
        """Return a client for a person who waits: one try, with these timeouts (connect, read).

        Raises the errors of `get_client`.
        """
        client = self.get_client()
        client.attempts, client.timeout_s = 1, timeout_s
        return client

    def get_credentials(self) -> Credentials:
        """Return the URL, token and options in the Connection as a person entered them."""
        connection = self._find_connection()
        host = connection.host or ""
        if host and "://" not in host and connection.schema in ("http", "https"):
            host = f"{connection.schema}://{host}"
        if host and connection.port and not host.rstrip("/").endswith(f":{connection.port}"):
            host = f"{host.rstrip('/')}:{connection.port}"
        extra = connection.extra_dejson
        options = {name: extra[name] for name in self.api.about.fields if extra.get(name)}
        return Credentials(self.http_conn_id, host, connection.password or "", options, mask_secret)

    def check(self) -> str:
        """Return a sentence on what works, after a cheap authenticated request. Raises CollectiveInsightsErrors."""
        return self._check(self.get_client())

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the check succeeded, and a sentence, for the Test button in Airflow's UI.

        There is only one try, because a person waits. The button's Connection has a random id, so it is not named.
        """
        try:
            return True, self._check(self.get_hasty_client(BUTTON_TIMEOUT_S))
        except CollectiveInsightsError as err:
            return False, str(err).replace(f"Connection {self.http_conn_id}", "This Connection")

    def _check(self, client: Client) -> str:
        return f"{self.api.about.title}: {self.api.check(client)}."

    def get_connection(self, conn_id: str) -> Connection:  # type: ignore[override]  # the provider's is a class method
        """Return the Connection for the session of the provider's hook.

        It has the URL as this hook reads it, no login, and the network settings of the extra that are not empty. The
        provider's hook raises ValueError for some URLs, logs in with the login, and sends unknown fields as headers.
        """
        extra = {name: value for name, value in self._find_connection().extra_dejson.items() if value not in (None, "")}
        network = {name: value for name, value in extra.items() if name not in self.api.about.fields}
        if isinstance(proxy := network.pop("proxy", None), str):  # the form has a text; the provider expects a mapping
            network.setdefault("proxies", {"http": proxy, "https": proxy})
        elif proxy is not None:
            network["proxy"] = proxy
        url = read_base_url(self.api, self.get_credentials())
        return Connection(conn_id=conn_id, host=url, extra=json.dumps(network))

    def _find_connection(self) -> Connection:
        """Return the stored Connection. It is cached, because a task requests it from Airflow's API server."""
        if self._found is None:
            title = self.api.about.title
            create = (
                f"create it under Admin > Connections with the URL of {title} as host and the API token as password."
            )
            self._found = find_connection(self.http_conn_id, super().get_connection, create)
        return self._found


class TypedHook(VendorHook):
    """The base class of the hooks that Airflow finds by the type of a Connection.

    :param conn_id: Airflow Connection. The keyword in `conn_name_attr`, such as okta_conn_id, works too.
    """

    def __init__(self, conn_id: str = "", **named: Any) -> None:
        conn_id = named.pop(self.conn_name_attr, conn_id) or self.default_conn_name
        if named:
            raise TypeError(f"{type(self).__name__} got an unexpected argument {next(iter(named))!r}")
        super().__init__(load_source(self.conn_type).api if self.conn_type in SOURCES else RECORDED_FUTURE, conn_id)


def __getattr__(name: str) -> type[TypedHook]:
    """Return the hook class of a connection type; it is created at its first use."""
    for conn_type, about in load_vendors().items():
        if name == f"{about.class_name}Hook":
            words = {
                "__module__": __name__,
                "__doc__": f"Talks to {about.title} by a Connection of type `{conn_type}`.",
                "conn_name_attr": f"{conn_type}_conn_id",
                "default_conn_name": f"{conn_type}_default",
                "conn_type": conn_type,
                "hook_name": about.title,
            }
            hook = globals()[name] = type(name, (TypedHook,), words)
            return hook
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
