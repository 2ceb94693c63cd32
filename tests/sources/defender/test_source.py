"""Microsoft Defender XDR passes the contract suite and its golden cases."""

from __future__ import annotations

import json

from ci_operators.sources.defender.options import MicrosoftDefenderXDRConnector
from tests.sources.contract import SourceContract
from tests.sources.defender.specimens import SPECIMENS, alert, evidence
from tests.sources.golden import GoldenCases
from tests.sources.specimens import run_steps


class TestMicrosoftDefenderXDR(SourceContract, GoldenCases):
    specimens = SPECIMENS
    behind_the_filter = {"missing_indicator"}  # noqa: RUF012 - declared in the base


def test_an_alert_with_ten_thousand_indicators_gives_each_once() -> None:
    items = [evidence("url", url=f"https://files.example.net/{number % 10_000}") for number in range(20_000)]
    items += [evidence("ip", ipAddress="10.0.0.7")] * 100
    outcome = run_steps(SPECIMENS.source, SPECIMENS.connector(), json.dumps(alert(*items)).encode())
    assert len(outcome.detections) == len(set(outcome.detections)) == 10_000
    assert outcome.notes == ["excluded_indicator"], "a note counts alerts, not evidence"


def test_late_evidence_is_read_by_the_last_update() -> None:
    plain, following = (MicrosoftDefenderXDRConnector(name="acme", follow_updates=each) for each in (False, True))
    assert (plain.window_key, following.window_key) == ("createdDateTime", "lastUpdateDateTime")
    assert following.reads_back == following.overlap + following.verified_floor
