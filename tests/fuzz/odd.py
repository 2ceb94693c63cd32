"""Odd data that vendors send, could send, or never should: values, texts and headers at the edge of the valid."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from simulator.settings import OKTA_TOKEN, RECORDED_FUTURE_TOKEN, SENTINELONE_TOKEN
from tests.fuzz.choices import Choices
from tests.vendor_cases import SECRETS


@dataclass(frozen=True)
class Raw:
    """A piece of raw text, whether it is JSON or not."""

    text: bytes


#: Values that JSON's grammar allows but leaves to its readers.
RAW = tuple(
    Raw(text)
    for text in (
        b"1e400", b"-1e-400", b"-0", b"9" * 30, b"-" + b"9" * 5000, b"1e999999999", b"[" * 900 + b"]" * 900,
        b'{"a":' * 900 + b"1" + b"}" * 900, b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\u0000"', b'"\\u2028\\/"',
        b'{"a":1,"a":2}',
    )
)  # fmt: skip
#: Values that it does not allow but that some programs write.
NO_JSON = tuple(
    Raw(text)
    for text in (
        b"NaN", b"-Infinity", b"01", b"1.", b'"\xff\xfe"', b'"\xed\xa0\x80"', b'"\x00"', b'"line\nbreak"',
        b'"\\x41"', b"'single'", b"undefined", b"", b"[" * 60_000, b'{"a":' * 60_000 + b"1" + b"}" * 60_000,
    )
)  # fmt: skip
DATES = (
    "2026-03-10T11:30:00.123Z", "2026-03-10T11:30:00", "2026-03-10", "2026-03-10T11:30:00.1234567890123Z",
    "2026-03-10T11:30:60Z", "2026-02-30T00:00:00Z", "2026-03-10T24:00:00Z", "2026-03-10T11:30:00+14:00",
    "2026-03-10T11:30:00-23:59", "2026-03-10T11:30:00+99:99", "2026-03-10T11:30:00.5+05:30:15.5",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-12:00", "2026-W11-2T11:30:00Z", "20260310T113000Z",
    "1773142200000", "Tue, 10 Mar 2026 11:30:00 GMT", "2026-03-10t11:30:00z", "2026-03-10T11:30:00,5Z",
    "２０２６-03-10T11:30:00Z",  # noqa: RUF001 - digits in full width
    " 2026-03-10T11:30:00Z ", "0000-00-00T00:00:00Z",
)  # fmt: skip
ADDRESSES = (
    "198.51.100.7", "198.51.100.700", "010.0.0.1", "1.2.3", "198.51.100.7:443", "198.51.100.7/32",
    "::ffff:198.51.100.7", "::198.51.100.7", "2001:DB8::0:7", "fe80::1%eth0", "[2001:db8::7]", "2001:db8:::7",
    "1:2:3:4:5:6:7:8:9", "::", "proxy.example.org", "PROXY.Example.ORG.", "xn--mnchen-3ya.example",
    "münchen.example", "a..b.example", "-a.example", "localhost", "x" * 64 + ".example", "a." * 130 + "example",
    "١٩٨.51.100.7", "ｅxample。com",  # noqa: RUF001 - a domain in full width
    "\u200bexample.org", "jane.doe", "http://198.51.100.7/",
)  # fmt: skip
HASHES = (
    "a9993e364706816aba3e25717850c26c9cd0d89d", "A9993E364706816ABA3E25717850C26C9CD0D89D",
    " a9993e364706816aba3e25717850c26c9cd0d89d\n", "a9993e364706816aba3e25717850c26c9cd0d89",
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "d41d8cd98f00b204e9800998ecf8427e",
    "0" * 64, "g" * 40, "\N{ARABIC-INDIC DIGIT ONE}" * 32,
)  # fmt: skip
TEXTS = (
    "", " ", "null", "x", "\0", "a\0b", "\ud800", "\udfff\ud800", "\ufeff", "\u2028", "\r\n", "\x1b[31m",
    "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "'; DROP TABLE detection; --", "%(x)s %s {0} ${x}",
    "Password Spray, Login Failures", "Password Spray," * 40, "T1055.012", "T1055.012; T1078", "t1055",
    "https://attack.mitre.org/techniques/T1055/012/", "Defense Evasion", "true_positive",
    "powershell.exe (CLI a999)", "security.threat.detected", "é" * 600, "😀" * 600, "y" * 100_000, *SECRETS,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**53 + 1, -(2**63) - 1, 2**64, 10**400, [], [None], [[]], {}, {"": None},
    {"name": None}, [{}, None, 7, "x", []],
)  # fmt: skip
WAITS = (
    "", "2", "0", "-5", "1.5", "nan", "inf", "-inf", "1e400", "1e9", "9" * 400, "1_000", "٣", "0x10",
    "Tue, 10 Mar 2026 12:00:30 GMT", "Tue, 10 Mar 2026 12:00:30", "Tue, 10 Mar 2026 12:00:30 -0000",
    "Tue, 10 Mar 9999 12:00:30 +9999", "Tue, 99 Foo 2026 12:00:30 GMT", "Mon, 01 Jan 0001 00:00:00 +2359", "2, 3",
    "30;x=1", "x" * 10_000, "1773144030", "-1e308",
)  # fmt: skip
NUMBERS = (*WAITS, "100", "0, 100", "100, 7", ",", "100,", "7, x")
LINKS = (
    "",
    "<>",
    '<>; rel="next"',
    'rel="next"',
    "<http://[::1>; rel=next",
    '<http://127.0.0.1:9/api/v1/logs?after=1>; rel="next"',
    '<http://127.0.0.1:9/api/v1/logs?after=2>; rel="self next"',
    "<http://127.0.0.1:9/api/v1/logs?after=3>;rel=NEXT",
    '<http://127.0.0.1:9/api/v1/logs?after=>; rel="next"',
    '<http://127.0.0.1:9/api/v1/logs?after=4&after=5#x>; title="a,b"; rel="next"',
    '<https://elsewhere.example/api/v1/logs?after=1>; rel="next"',
    f'<https://{OKTA_TOKEN}@elsewhere.example/api/v1/users?after=1>; rel="next"',
    '<//elsewhere.example/api/v1/logs?after=1>; rel="next"',
    '</api/v1/logs/../users?after=1>; rel="next"',
    '</api/v1/logs?after=%00%ff>; rel="next"',
    '</api/v1/logs?after=\xff>; rel="next"',
    "<" * 5000,
    '<a>;x="' * 2000,
    "<a>; " + "x=y; " * 5000 + "rel=next",
    "<a>;" + " " * 20_000 + "x",
)
PLACES = (
    "",
    "/",
    "https://elsewhere.example/login?token=x",
    f"https://{SENTINELONE_TOKEN}@elsewhere.example/",
    f"https://{RECORDED_FUTURE_TOKEN}.elsewhere.example/",
    "http://[::1",
    "//[",
    "\xff\xfe",
    "x" * 10_000,
)


def odd_text(choices: Choices) -> str:
    """Return a text that may cause errors."""
    return choices.pick(choices.pick((TEXTS, DATES, ADDRESSES, HASHES)))


def odd_value(choices: Choices) -> Any:
    """Return a value of any kind."""
    if choices.happens(24):
        return choices.pick(NO_JSON)
    kind = choices.below(4)
    if kind == 0:
        return copy.deepcopy(choices.pick(VALUES))  # further damage is inside it
    return choices.pick(RAW) if kind == 1 else odd_text(choices)


def odd_headers(choices: Choices) -> dict[str, str]:
    """Return a few headers, as a server can send them: no line breaks, no more than Latin-1."""
    kinds = {
        "Retry-After": WAITS,
        "Date": WAITS,
        "X-Rate-Limit-Limit": NUMBERS,
        "X-Rate-Limit-Remaining": NUMBERS,
        "X-Rate-Limit-Reset": NUMBERS,
        "Link": LINKS,
        "Location": PLACES,
        "Content-Type": (
            "text/html",
            "application/json; charset=utf-16",
            "application/json;charset=x",
            "",
            "/",
            "\xff",
        ),
        "Content-Encoding": ("gzip", "deflate", "identity", "br, gzip", "x"),
        "Content-Length": ("0", "5", "-1", "x", "9" * 30),
        "Transfer-Encoding": ("chunked", "x"),
    }
    names = list(kinds)
    found = {name: choices.pick(kinds[name]) for name in (choices.pick(names) for _ in range(choices.below(4)))}
    return {name: text.encode("latin-1", "replace").decode("latin-1") for name, text in found.items()}
