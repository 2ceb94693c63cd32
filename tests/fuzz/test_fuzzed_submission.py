"""Any answers of Recorded Future: a receipt is given only for an answer that confirms it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import requests

from ci_operators.recorded_future import api
from ci_operators.recorded_future.api import Receipt, Submission
from ci_operators.recorded_future.search import find_hits
from ci_operators.transport.client import Client
from tests.fuzz.answering import URL, Reply, open_session
from tests.fuzz.choices import Choices
from tests.fuzz.conftest import Fuzz
from tests.fuzz.errors import check_plain, expect_own_errors
from tests.fuzz.receiving import answer_search, answer_submission, says_it_is_stored
from tests.ledger.samples import detection
from tests.vendor_cases import DRY_RUN
from tests.virtual_time import VirtualTime

SINCE, UNTIL = "2026-03-10T00:00:00.000Z", "2026-03-11T00:00:00.000Z"


def test_submission(fuzz: Fuzz) -> None:
    fuzz("submission", run_submission, 1.0)


def run_submission(choices: Choices) -> str:
    """Return the outcome of a submission, a dry run, a search or a check."""
    what = choices.pick(("live", "live", "debug", "search", "check"))
    replies: list[Reply] = []

    def answer(request: requests.PreparedRequest) -> Reply:
        is_search = (request.url or "").endswith("/search")
        replies.append((answer_search if is_search else answer_submission)(request, choices))
        return replies[-1]

    with open_session(answer) as session:
        client = DRY_RUN.connect(URL, session, VirtualTime())
        found: list[Any] = []
        error = expect_own_errors(lambda: found.append(_call(what, client, choices)), DRY_RUN.token)
    if error is not None:
        return f"{what}: {error}"
    if isinstance(found[0], Receipt):
        check_receipt(found[0], replies, debug=what == "debug")
    return f"{what}: answered"


def check_receipt(receipt: Receipt, replies: list[Reply], *, debug: bool) -> None:
    """Compare a receipt with its answer, which is read by another reader."""
    assert says_it_is_stored(replies[-1], debug=debug), f"a receipt for {replies[-1]}"
    assert receipt.processed.total() <= 3
    assert receipt.processed.total() + len(receipt.dropped) >= 3, "detections are neither processed nor dropped"
    check_plain(receipt.dropped)


def _call(what: str, client: Client, choices: Choices) -> Any:
    if what == "search":
        return find_hits(client, SINCE, UNTIL, choices.pick(((), ("uhash:a",))))
    if what == "check":
        return api.check(client)
    texts, names = [detection(number) for number in range(3)], {}
    if choices.happens(2):
        names = {f"{number:064x}": "ip" for number in range(3)}
        texts = [
            b'{"transient_id":"%s",%s' % (name.encode(), text[1:]) for name, text in zip(names, texts, strict=True)
        ]
    return api.submit_named(client, Submission(texts, Counter(ip=3), debug=what == "debug", names=names))
