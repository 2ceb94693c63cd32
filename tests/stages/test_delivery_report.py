"""Each outcome of detections is counted once and separately."""

from __future__ import annotations

from pathlib import Path

from ci_operators.stages.delivery_report import DeliveryReport
from ci_operators.stages.pump import SideArtifacts
from tests.artifacts import read_all
from tests.ledger.samples import rows


def test_every_detection_has_its_place(tmp_path: Path) -> None:
    accepted, dropped, refused, late = rows(range(4))
    with SideArtifacts(tmp_path, "submit") as side:
        report = DeliveryReport(side)
        report.tally.records_in = 4
        report.count_accepted(1)
        report.drop("duplicate", dropped)
        report.quarantine("rejected_by_api", refused, "too old")
        report.count_waiting([late])
        report.count_waiting([])
    report.tally.check_conservation("submit")
    assert (report.account.accepted, report.account.waiting) == (1, 1)
    assert (report.tally.dropped, report.tally.quarantined) == ({"duplicate": 1}, {"rejected_by_api": 1})
    assert report.met == {refused.key, late.key}
    assert report.waiting == {late.key}
    assert accepted.key not in report.met
    assert len(read_all(side.artifacts["quarantined"])) == 1
