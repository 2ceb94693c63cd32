"""SentinelOne's error answers: `{"errors": [{"code", "detail", "title"}]}`, and nginx's HTML for 429."""

from __future__ import annotations

from typing import Final

from simulator.exchange import RefusalError, Reply, json_reply

_STATUS_CODES: Final = {
    400: (4000010, "Validation Error"),
    401: (4010010, "Authentication Failed"),
    403: (4030010, "Insufficient permissions"),
    404: (4040010, "Requested resource was not found"),
    405: (4050010, "Method not allowed"),
    500: (5000010, "Server could not process the request."),
    501: (5010010, "Not supported"),
}
_TOO_MANY: Final = (
    b"<html>\r\n<head><title>429 Too Many Requests</title></head>\r\n<body>\r\n"
    b"<center><h1>429 Too Many Requests</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


def status_error(status: int, detail: str | None = None) -> Reply:
    """Return the answer SentinelOne usually gives with a status."""
    if status == 429:
        return too_many_requests(None)
    code, title = _STATUS_CODES.get(status, (status * 10_000 + 10, "Server could not process the request."))
    return json_reply(status, {"errors": [{"code": code, "detail": detail, "title": title}]})


def too_many_requests(retry_after_s: int | None) -> Reply:
    """Return the gateway's 429: an HTML page, mostly without Retry-After."""
    headers = () if retry_after_s is None else (("Retry-After", str(retry_after_s)),)
    return Reply(429, _TOO_MANY, headers, "text/html")


def invalid(detail: str, code: int = 4000010) -> RefusalError:
    """Return the refusal of a parameter that fails validation."""
    errors = [{"code": code, "detail": detail, "title": "Validation Error"}]
    return RefusalError(json_reply(400, {"errors": errors}))


def unknown_fields(names: list[str]) -> RefusalError:
    """Return the refusal of parameters that do not exist."""
    return invalid(f"dict_values([{names}]): Unknown field", 4000040)
