"""Any headers: waits are between zero and a day, and links are found or not."""

from __future__ import annotations

import math
from datetime import datetime

from requests.structures import CaseInsensitiveDict

from ci_operators.sources.okta import api as okta
from ci_operators.sources.sentinelone import api as sentinelone
from ci_operators.transport.link_header import find_link
from ci_operators.transport.pacing import LONGEST_WAIT_S, read_date, read_retry_after
from tests.fuzz.choices import Choices
from tests.fuzz.conftest import Fuzz
from tests.fuzz.odd import LINKS, odd_headers
from tests.virtual_time import NOON

READERS = (read_retry_after, okta.RATE_LIMIT.read_cooldown, sentinelone.read_cooldown)
ALPHABET = '<>;=", relnxt/?&:[]%0aé'


def test_headers(fuzz: Fuzz) -> None:
    fuzz("headers", run_headers, 2.0)


def run_headers(choices: Choices) -> str:
    """Return the readers that have found something."""
    headers = CaseInsensitiveDict({**odd_headers(choices), **odd_headers(choices)})
    found = []
    for reader in READERS:
        wait = reader(headers, NOON.timestamp())
        assert wait is None or (math.isfinite(wait) and 0 <= wait <= LONGEST_WAIT_S + 1), f"a wait of {wait} s"
        found.append(wait is not None)
    date = read_date(headers)
    assert date is None or isinstance(date, datetime)
    text = "".join(choices.pick(ALPHABET) for _ in range(choices.below(200)))
    links = [find_link(link, "next") is not None for link in (text, choices.pick(LINKS) + ", " + text)]
    return f"{found} {date is not None} {links}"
