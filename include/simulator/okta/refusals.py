"""Okta's error answers: code, summary, and body as in the Okta API reference (error codes)."""

from __future__ import annotations

from typing import Final

from simulator.exchange import RefusalError, Reply, json_reply

_STATUS_CODES: Final = {
    400: ("E0000001", "Api validation failed"),
    401: ("E0000011", "Invalid token provided"),
    403: ("E0000006", "You do not have permission to perform the requested action"),
    404: ("E0000007", "Not found: Resource not found: logs"),
    405: ("E0000022", "The endpoint does not support the provided HTTP method"),
    429: ("E0000047", "API call exceeded rate limit due to too many requests."),
    500: ("E0000009", "Internal Server Error"),
    503: ("E0000010", "Service is in read only mode"),
}


def okta_error(status: int, code: str, summary: str, cause: str | None = None) -> Reply:
    """Return an error answer in Okta's five-member body."""
    return json_reply(
        status,
        {
            "errorCode": code,
            "errorSummary": summary,
            "errorLink": code,
            "errorId": f"oae-simulator-{code}",
            "errorCauses": [] if cause is None else [{"errorSummary": cause}],
        },
    )


def status_error(status: int) -> Reply:
    """Return the answer that Okta usually gives with a status."""
    return okta_error(status, *_STATUS_CODES.get(status, ("E0000009", "Internal Server Error")))


def invalid(member: str, cause: str) -> RefusalError:
    """Return the refusal of a parameter that fails validation (E0000001)."""
    return RefusalError(okta_error(400, "E0000001", f"Api validation failed: {member}", cause))


def invalid_date(member: str) -> RefusalError:
    """Return the refusal of a `since` or `until` that is not a date-time with a zone."""
    summary = f"'{member}': must be a valid date-time or empty"
    return RefusalError(okta_error(400, "E0000001", f"Api validation failed: {summary}", summary))


def invalid_search(cause: str) -> RefusalError:
    """Return the refusal of an invalid filter, field or period (E0000053)."""
    return RefusalError(okta_error(400, "E0000053", f"Invalid filter '{cause}'", cause))
