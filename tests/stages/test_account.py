"""A run's account after the ledger has counted."""

from __future__ import annotations

from collections import Counter

from ci_operators.core.tally import Tally
from ci_operators.core.verdict import Quarantined
from ci_operators.ledger.batch import RunCounts
from ci_operators.stages.account import Account


def test_the_ledgers_counts_replace_those_of_the_last_try() -> None:
    account = Account(accepted=3)
    account.add_run(RunCounts(batches=2, accepted=Counter(ip=4, hash=3), resent=1))
    assert (account.accepted, account.from_waiting, account.batches) == (7, 4, 2)
    assert account.to_extra()["processed"] == {"ip": 4, "hash": 3}
    assert account.resent_unknown == 1


def test_pending_detections_are_added_with_their_outcomes() -> None:
    late, tally = Account(split=1, found_by_search=2, search_could_not_tell=3, waiting=4), Tally()
    tally.quarantine(Quarantined("rejected_by_api", "event-1"))
    account = Account(split=1, found_by_search=1, search_could_not_tell=1, waiting=9)
    account.add_late(late, tally)
    assert (account.split, account.found_by_search, account.search_could_not_tell) == (2, 3, 4)
    assert (account.waiting, account.put_off_again, account.waiting_quarantined) == (9, 4, 1)
