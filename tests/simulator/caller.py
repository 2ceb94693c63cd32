"""A plain HTTP caller of a simulator, with valid tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import requests

from simulator import Simulator
from simulator.settings import OKTA_TOKEN, RECORDED_FUTURE_TOKEN, SENTINELONE_TOKEN

_TIMEOUT_S: Final = 30


class Caller:
    """Calls one simulator; every method returns the bare response, whatever its status."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def okta(self, url: str = "", *, authorization: str = f"SSWS {OKTA_TOKEN}", **params: Any) -> requests.Response:
        """Returns a page of the System Log, by parameters or by a link from an earlier page."""
        address = url or f"{self._url}/api/v1/logs"
        return self._get(address, params, authorization)

    def okta_pages(self, most: int = 100, **params: Any) -> list[requests.Response]:
        """Returns all pages from a first request on, until there is no next link or a page is empty."""
        pages = [self.okta(**params)]
        while "next" in pages[-1].links and pages[-1].json() and len(pages) < most:
            pages.append(self.okta(pages[-1].links["next"]["url"]))
        return pages

    def threats(
        self, *, authorization: str = f"ApiToken {SENTINELONE_TOKEN}", resource: str = "threats", **params: Any
    ) -> requests.Response:
        """Returns a page of threats, or another resource of the console."""
        return self._get(f"{self._url}/web/api/v2.1/{resource}", params, authorization)

    def alerts(
        self, query: str, *, authorization: str = f"ApiToken {SENTINELONE_TOKEN}", **variables: Any
    ) -> requests.Response:
        """Returns the answer of Unified Alert Management to a GraphQL query."""
        url, headers = f"{self._url}/web/api/v2.1/unifiedalerts/graphql", {"Authorization": authorization}
        body = {"query": query, "variables": variables}
        return self._session.post(url, json=body, headers=headers, timeout=_TIMEOUT_S)

    def submit(self, body: Any, *, token: str = RECORDED_FUTURE_TOKEN) -> requests.Response:
        """Returns the answer to a submission (bytes are sent as they are, as JSON)."""
        return self._post("/collective-insights/detections", body, token)

    def search(self, body: Any, *, token: str = RECORDED_FUTURE_TOKEN) -> requests.Response:
        """Returns the answer to a search."""
        return self._post("/collective-insights/search", body, token)

    def control(self, name: str, method: str = "GET", body: Any = None, **params: Any) -> requests.Response:
        """Returns the answer of the control API."""
        url = f"{self._url}/simulator/{name}"
        return self._session.request(method, url, params=params, json=body, timeout=_TIMEOUT_S)

    def _get(self, url: str, params: dict[str, Any], authorization: str) -> requests.Response:
        headers = {"Authorization": authorization} if authorization else {}
        return self._session.get(url, params=params, headers=headers, timeout=_TIMEOUT_S)

    def _post(self, path: str, body: Any, token: str) -> requests.Response:
        headers = {"X-RFToken": token, "Content-Type": "application/json"}
        content = {"data": body} if isinstance(body, bytes) else {"json": body}
        return self._session.post(self._url + path, headers=headers, timeout=_TIMEOUT_S, **content)


#: Starts a simulator with the options of `Simulator`, and returns it with a caller.
Start = Callable[..., tuple[Simulator, Caller]]
