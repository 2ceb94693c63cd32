"""A client for one vendor's API: sends requests over a given session, retries, and explains errors."""

from __future__ import annotations

import copy
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar
from urllib.parse import urlsplit

import requests
import tenacity
import urllib3

from ci_operators import __version__
from ci_operators.core.errors import (
    ConfigurationError,
    CredentialsError,
    DailyLimitError,
    RateLimitedError,
    RequestRefusedError,
    RetriableError,
    UnavailableError,
    UnknownOutcomeError,
    UnreachableError,
    UnreadableAnswerError,
)
from ci_operators.core.text import clean_text
from ci_operators.transport.auth import JSON_TYPE, Auth, Request
from ci_operators.transport.body import read_body
from ci_operators.transport.pacing import MAX_WAIT_S, Pacer, read_retry_after
from ci_operators.transport.vendor import Answer, Vendor

#: Connect and read timeouts in seconds. SentinelOne can take more than ten for a page.
TIMEOUT_S = (10.0, 60.0)
#: Tries of one request within a task; Airflow's own retries are in addition.
ATTEMPTS = 4
#: The User-Agent that every vendor sees.
USER_AGENT = f"collective-insights-airflow/{__version__}"

Result = TypeVar("Result")


@dataclass
class Client:
    """A vendor's API at one base URL. An API token is sent only to that host."""

    vendor: Vendor
    base_url: str
    auth: Auth = field(repr=False)
    session: requests.Session
    pacer: Pacer
    attempts: int = ATTEMPTS
    timeout_s: tuple[float, float] = TIMEOUT_S

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """Return the answer to a GET of `path` below the base URL, if its status is a success.

        Raises an error by its status; 429, 5xx, and broken connections are retried first.
        """
        return self.retry(lambda: self.send("GET", path, params=params))

    def retry(self, call: Callable[[], Result]) -> Result:
        """Return what `call` returns, calling it again after retriable errors with a short wait."""
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.attempts),
            retry=tenacity.retry_if_exception(_is_worth_waiting),
            wait=self._choose_wait,
            sleep=self.pacer.wait,
            reraise=True,
        )
        return retrying(call)

    def copy(self) -> Self:
        """Return a client for another thread, with the same connections and its own cookies.

        What the sessions share is safe for threads: adapters, whose pools are made for threads, and settings.
        """
        session = copy.copy(self.session)
        session.cookies = self.session.cookies.copy()
        return replace(self, session=session)

    def choose_wait(self, error: BaseException, attempt: int) -> float | None:
        """Return the seconds to wait before another attempt after an error, None if there should be none."""
        if not _is_worth_waiting(error):
            return None
        if isinstance(error, RetriableError) and error.retry_after_s is not None:
            return error.retry_after_s
        return float(2 ** (attempt - 1)) * (0.5 + self.pacer.jitter())

    def send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None = None,
        body: bytes | None = None,
        content_type: str = JSON_TYPE,
    ) -> Answer:
        """Return the answer to one request, after the requests that its authentication needs."""
        flow = self.auth.flow(Request(method, path, params, body, content_type), self.pacer.now())
        request = next(flow)
        while True:
            answer = self._exchange(request)
            if request.vendor is not None:
                self._check_status(answer, request.vendor)
            try:
                request = flow.send(answer)
            except StopIteration:
                break
        self._check_status(answer, self.vendor)
        return answer

    def quote(self, words: str, length: int) -> str:
        """Return a vendor's text for use in an error: cut after the secret is hidden, so that no part of it is left."""
        return self.auth.hide(clean_text(words))[:length]

    def report_errors(self, words: str, status: int = 200) -> UnreadableAnswerError:
        """Return the error for an answer that reports errors, in the vendor's words, beside what may be half a page."""
        said = self.quote(words, 300)
        return UnreadableAnswerError(
            f"{self.vendor.title} answered {status} with errors ({said}): the page may be incomplete."
        )

    def _exchange(self, request: Request) -> Answer:
        vendor = request.vendor or self.vendor
        title, headers = vendor.title, {"Accept": JSON_TYPE, "User-Agent": USER_AGENT, **vendor.headers}
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        try:
            with self.session.request(
                request.method,
                f"{request.base_url or self.base_url}{request.path}",
                params=request.params,
                data=request.body,
                headers=headers,
                auth=_make_auth(request.header),
                timeout=self.timeout_s,
                verify=self.session.verify,  # otherwise REQUESTS_CA_BUNDLE overrides the Connection's own
                allow_redirects=False,
                stream=True,
            ) as response:
                return Answer(response.status_code, response.headers, read_body(response, title))
        except requests.RequestException as err:
            # The text of the cause has the URL with its query.
            raise self._connection_error(err, request.base_url or self.base_url, title) from None
        except OSError as err:  # requests does not wrap a missing certificate file
            raise ConfigurationError(f"{title}: {err}. Fix verify or cert in the Connection.") from None
        except ValueError:  # requests reads the target of a redirect even if it is not followed, and fails
            raise UnavailableError(f"{title}: the answer has headers that cannot be read.") from None

    def _choose_wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return 0.0 if error is None else self.choose_wait(error, state.attempt_number) or 0.0

    def _connection_error(self, error: requests.RequestException, url: str, title: str) -> UnavailableError:
        host = urlsplit(url).netloc
        if isinstance(error, requests.exceptions.SSLError):
            # Only a rejected certificate proves that nothing was sent: other TLS errors also come later.
            kind = UnreachableError if _is_untrusted(error) else UnavailableError
            return kind(f"{title}: no trusted TLS connection to {host}. Check the URL and the server's certificate.")
        if isinstance(error, requests.ReadTimeout):
            return UnavailableError(f"{title}: {host} did not answer in {self.timeout_s[1]:g} s.")
        if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError) or _is_refused(error):
            return UnreachableError(
                f"{title}: no connection to {host}. Check the URL, and that the workers can reach it."
            )
        return UnavailableError(f"{title}: the connection to {host} was lost.")

    def _check_status(self, answer: Answer, vendor: Vendor) -> None:
        status, title = answer.status, vendor.title
        if status in vendor.success:
            return
        said = self.quote(vendor.explain(answer.body), 300)
        words = f"{title} answered {status}{f' ({said})' if said else ''}"
        hint = {401: vendor.credentials_hint, 403: vendor.permission_hint}.get(status)
        if 400 <= status < 500 and (hint := vendor.fix(status, answer.body) or hint):
            raise CredentialsError(f"{words}: {hint}")
        if status == 429:
            now = self.pacer.now()
            wait = vendor.cooldown(answer.headers, now)
            wait = read_retry_after(answer.headers, now) if wait is None else wait
            raise RateLimitedError(f"{words}: too many requests.", retry_after_s=wait)
        if status == 206:  # partial content: Microsoft Graph sends it if a product did not answer
            warning = self.quote(answer.headers.get("Warning", ""), 200)
            raise UnavailableError(f"{words}: the answer is incomplete{f' ({warning})' if warning else ''}.")
        if status >= 500:
            raise UnavailableError(f"{words}.", retry_after_s=read_retry_after(answer.headers, self.pacer.now()))
        if 300 <= status < 400:
            target = self.quote(name_host(answer.headers.get("Location", "")), 80) or "elsewhere"
            raise RequestRefusedError(f"{words}, a redirect to {target}: enter the final URL in the Connection.")
        raise RequestRefusedError(f"{words}.", status=status)


def _make_auth(header: tuple[str, str] | None) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Return a request's `auth` that sets the header, so that no .netrc entry for the host replaces it."""

    def authorise(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if header is not None:
            request.headers[header[0]] = header[1]
        return request

    return authorise


def name_host(url: str) -> str:
    """Return the host and port of a URL, without credentials."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _is_untrusted(error: requests.RequestException) -> bool:
    """Return whether the server's certificate was rejected (requests wraps two errors around the one of ssl)."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(next(iter(getattr(reason, "args", ())), None), ssl.SSLCertVerificationError)


def _is_refused(error: requests.RequestException) -> bool:
    """Return whether no connection was made (requests wraps urllib3's error for it)."""
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), urllib3.exceptions.NewConnectionError)


def _is_worth_waiting(error: BaseException) -> bool:
    """Return whether to try again now: not after a long wait, and not if the request may have succeeded already."""
    if isinstance(error, UnknownOutcomeError | DailyLimitError) or not isinstance(error, RetriableError):
        return False
    return (error.retry_after_s or 0.0) <= MAX_WAIT_S
