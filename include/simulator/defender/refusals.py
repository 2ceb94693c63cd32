"""Graph's error answers, `{"error": {"code", "message", "innerError"}}`, and Entra ID's OAuth errors with numbers."""

from __future__ import annotations

from typing import Final

from simulator.exchange import RefusalError, Reply, json_reply

ROLE: Final = "SecurityAlert.Read.All"
_REQUEST_ID: Final = "00000000-5151-4d75-1a7e-000000000001"
_STATUS_CODES: Final = {
    400: ("BadRequest", "The request is not valid."),
    401: ("InvalidAuthenticationToken", "Access token validation failure. Invalid audience."),
    403: (
        "Forbidden",
        f"Missing application roles. API required roles: {ROLE}, SecurityAlert.ReadWrite.All, "
        "SecurityIncident.Read.All, SecurityIncident.ReadWrite.All.",
    ),
    404: ("ResourceNotFound", "The resource is not found."),
    405: ("Request_BadRequest", "Specified HTTP method is not allowed for the request target."),
    429: ("TooManyRequests", "Too many requests."),
    500: ("InternalServerError", "An internal server error occurred."),
    503: ("ServiceUnavailable", "The service is unavailable."),
}


def graph_error(status: int, message: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Return Graph's error answer with a status."""
    code, usual = _STATUS_CODES.get(status, ("UnknownError", "An error occurred."))
    inner = {"date": "2026-03-10T12:00:00", "request-id": _REQUEST_ID, "client-request-id": _REQUEST_ID}
    error = {"code": code, "message": message or usual, "innerError": inner}
    return json_reply(status, {"error": error}, headers)


def invalid(message: str) -> RefusalError:
    """Return Graph's refusal of a parameter."""
    return RefusalError(graph_error(400, message))


def entra_error(error: str, number: int, text: str, status: int = 400) -> RefusalError:
    """Return the token endpoint's refusal with the number of its reason."""
    told = f"AADSTS{number}: {text} Trace ID: {_REQUEST_ID} Timestamp: 2026-03-10 12:00:00Z"
    members = {"error": error, "error_description": told, "error_codes": [number], "trace_id": _REQUEST_ID}
    return RefusalError(json_reply(status, members))
