"""The parameters of `GET /v2/siem/all`, as strict as Proofpoint's page "SIEM API" and its users' error messages."""

from __future__ import annotations

import re
from typing import Final

from simulator.exchange import Call, RefusalError, Reply
from simulator.instants import DAY, HOUR, MINUTE, SECOND, parse_zoned

LONGEST: Final = HOUR
SHORTEST: Final = 30 * SECOND
RETENTION: Final = 7 * DAY
_PERIODS: Final = ("sinceSeconds", "sinceTime", "interval")
_KNOWN: Final = frozenset({"format", "threatType", "threatStatus", *_PERIODS})
_DURATION: Final = re.compile(r"PT(\d{1,5})([HMS])", re.ASCII)
_UNITS: Final = {"H": HOUR, "M": MINUTE, "S": SECOND}


def refuse(status: int, sentence: str) -> RefusalError:
    """Return the refusal with a sentence in plain text."""
    return RefusalError(text_reply(status, sentence))


def text_reply(status: int, sentence: str) -> Reply:
    """Return an answer in plain text: Proofpoint's errors are not JSON."""
    return Reply(status, sentence.encode(), content_type="text/plain; charset=utf-8")


def read_period(call: Call) -> tuple[int, int]:
    """Return start and end of the period of a request, in microseconds since 1970."""
    names = [name for name, _ in call.pairs]
    given = dict(call.pairs)
    unknown = sorted(set(names) - _KNOWN)
    if unknown:
        raise refuse(400, f"The parameter {unknown[0]} is unknown.")
    if given.get("format", "").lower() != "json":
        raise refuse(400, "The parameter format must be JSON: this simulator has no syslog.")
    if sum(names.count(name) for name in _PERIODS) != 1:
        raise refuse(400, "Exactly one of sinceSeconds, sinceTime and interval is required.")
    begin, end = _read_bounds(given, call.now)
    _check_period(begin, end, call.now)
    return begin, end


def _read_bounds(given: dict[str, str], now: int) -> tuple[int, int]:
    end = now // MINUTE * MINUTE if now % MINUTE < MINUTE // 2 else (now // MINUTE + 1) * MINUTE
    if "sinceSeconds" in given:
        seconds = given["sinceSeconds"]
        if not re.fullmatch(r"\d{1,6}", seconds, re.ASCII):
            raise refuse(400, "The parameter sinceSeconds must be a number.")
        return end - int(seconds) * SECOND, end
    if "sinceTime" in given:
        return _read_time(given["sinceTime"]), end
    first, slash, last = given["interval"].partition("/")
    if not slash:
        raise refuse(400, "The parameter interval must be an ISO 8601 interval.")
    if match := _DURATION.fullmatch(first):
        until = _read_time(last)
        return until - int(match[1]) * _UNITS[match[2]], until
    since = _read_time(first)
    if match := _DURATION.fullmatch(last):
        return since, since + int(match[1]) * _UNITS[match[2]]
    return since, _read_time(last)


def _read_time(text: str) -> int:
    moment = parse_zoned(text, max_fraction_digits=6)
    if moment is None:
        raise refuse(400, f"{text[:40]} is not an ISO 8601 date and time with a zone.")
    return moment


def _check_period(begin: int, end: int, now: int) -> None:
    if begin < now - RETENTION:
        raise refuse(
            400,
            "The requested start time is too far into the past. Requests for information up to 7.00d are accepted",
        )
    if end - begin < SHORTEST:
        raise refuse(400, "The requested interval is too short. Requests must be for at least 30.00s of data")
    if end - begin > LONGEST:
        raise refuse(400, "The requested interval is too long. Requests must be for at most 1.00h of data")
