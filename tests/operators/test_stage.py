"""The common parts of all stages: manifests, log messages, empty windows, waits and retries."""

from __future__ import annotations

import errno
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ci_operators.airflow_plugin.versions import AirflowRescheduleException
from ci_operators.core.connector import Destination
from ci_operators.core.errors import ConfigurationError, StagingError, UnavailableError
from ci_operators.core.instant import format_instant
from ci_operators.sources.registry import load_source
from ci_operators.stages.contract import ISSUES
from tests.artifacts import read_all
from tests.operators.conftest import Chain, Tenant, execute, okta_event
from tests.vendor_cases import SECRETS

STAGES = ["extract", "filter", "map", "validate", "submit"]
#: Texts of the events that must not be in a log or a manifest.
PAYLOAD = ("PAYLOAD-MARK", "jane.doe@acme.example", "Request from suspicious actor", "198.51.100.")


def add_a_bit_of_everything(tenant: Tenant) -> None:
    """Events that pass, that a criterion drops, that cannot be mapped, and invalid ones."""
    tenant.add_events(8)
    tenant.add_events(1, eventType="user.session.start")
    odd: list[dict[str, Any]] = [
        {"actor": {"displayName": None}},
        {"actor": {"displayName": None}},
        {"actor": None},
        {"actor": {"displayName": "Jane Doe", "type": "User"}},
        {"outcome": {"reason": "Something new"}},
        {"outcome": None},
        {"published": "2026-13-45"},
    ]
    for number, members in enumerate(odd, start=500):
        tenant.simulator.add_okta_event(okta_event(number, tenant.ago(0.5), **members))
    for nonsense in (b"[1,2]", b'"text"', b"null", b"17"):
        tenant.simulator.add_okta_event(nonsense)


def records_of(manifest: dict[str, object]) -> list[bytes]:
    path = Path(str(manifest["artifact"]).removeprefix("file://"))
    return read_all(path)


class TestEmptyWindow:
    def test_ends_green_with_downstream_skipped_and_the_watermark_moved(
        self, tenant: Tenant, capsys: pytest.CaptureFixture[str]
    ) -> None:
        chain = tenant.chain()
        manifests = chain.run_all(tenant.scheduled(1, 0))
        assert list(manifests) == ["extract"]
        assert chain.skipped == ["filter"]
        assert chain.watermark == format_instant(tenant.now)
        assert "Nothing is left for the next stage: the run ends here." in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("members", "last"),
        [({"actor": None}, "filter"), ({"actor": {"displayName": "Jane Doe"}}, "map")],
    )
    def test_a_later_stage_that_leaves_nothing_ends_the_run_too(
        self, tenant: Tenant, members: dict[str, Any], last: str
    ) -> None:
        tenant.add_events(2, **members)
        chain = tenant.chain()
        manifests = chain.run_all(tenant.scheduled(1, 0))
        assert list(manifests)[-1] == last
        assert chain.skipped == [STAGES[STAGES.index(last) + 1]]
        chain.run_task("extract", tenant.scheduled(0.1, 0, "next"))
        assert chain.watermark == format_instant(tenant.now)

    def test_leaves_its_manifest_too(self, tenant: Tenant) -> None:
        manifest = tenant.chain().run_task("extract", tenant.scheduled(1, 0))
        assert (manifest["records_in"], manifest["records_out"], manifest["pages"]) == (0, 0, 1)


class TestManifest:
    @pytest.fixture
    def manifests(self, tenant: Tenant) -> dict[str, dict[str, object]]:
        add_a_bit_of_everything(tenant)
        return tenant.chain().run_all(tenant.scheduled(1, 0))

    def test_accounts_for_every_record(self, manifests: dict[str, dict[str, object]]) -> None:
        counts = {
            stage: {key: manifest[key] for key in ("records_in", "records_out", "dropped", "quarantined")}
            for stage, manifest in manifests.items()
        }
        # Okta does not send the wrong event type, since the request filters for threats.
        assert counts == {
            "extract": {"records_in": 19, "records_out": 19, "dropped": {}, "quarantined": {}},
            "filter": {
                "records_in": 19,
                "records_out": 12,
                "dropped": {"null_display_name": 2, "missing_actor": 1},
                "quarantined": {"event_not_an_object": 4},
            },
            "map": {
                "records_in": 12,
                "records_out": 10,
                "dropped": {},
                "quarantined": {"indicator_not_an_address": 1, "unreadable_timestamp": 1},
            },
            "validate": {"records_in": 10, "records_out": 10, "dropped": {}, "quarantined": {}},
            "submit": {"records_in": 10, "records_out": 10, "dropped": {}, "quarantined": {}},
        }
        assert manifests["map"]["notes"] == {"no_outcome_reason": 1, "unknown_outcome_reason": 1}

    def test_names_artifacts_that_hold_what_it_counts(self, manifests: dict[str, dict[str, object]]) -> None:
        for stage in STAGES[:4]:
            manifest = manifests[stage]
            assert len(records_of(manifest)) == manifest["records_out"]
            assert Path(str(manifest["artifact"]).removeprefix("file://")).stat().st_size == manifest["bytes"]
        side = manifests["filter"]["side_artifacts"]
        assert isinstance(side, dict)
        assert sorted(side) == ["dropped", "quarantined"]
        dropped = [json.loads(record) for record in records_of({"artifact": side["dropped"]})]
        assert [entry["reason"] for entry in dropped] == ["null_display_name", "null_display_name", "missing_actor"]

    def test_holds_neither_payload_nor_secret(self, manifests: dict[str, dict[str, object]]) -> None:
        text = json.dumps(manifests)
        assert not [mark for mark in (*PAYLOAD, *SECRETS) if mark in text]
        assert len(text) < 5000

    def test_names_a_few_examples(self, manifests: dict[str, dict[str, object]]) -> None:
        assert manifests["filter"]["samples"] == {
            "null_display_name": ["event-0500", "event-0501"],
            "missing_actor": ["event-0502"],
            "event_not_an_object": [],
        }


def test_a_lone_surrogate_in_one_event_does_not_stop_the_page(tenant: Tenant) -> None:
    """A name that was cut in the middle of a character is not valid Unicode, but it is valid JSON."""
    tenant.add_events(2)
    whole = json.dumps(okta_event(7, tenant.ago(0.5), displayMessage=f"C:\\\\ud800 \U0001f600 {chr(0xD83D)}"))
    tenant.simulator.add_okta_event(whole.encode())
    manifests = tenant.chain().run_all(tenant.scheduled(1, 0))
    assert manifests["submit"]["records_out"] == 3
    names = {stored.entry["incident"]["name"] for stored in tenant.simulator.detections}
    assert names == {"Request from suspicious actor", "C:\\\\ud800 \U0001f600 \ufffd"}


class TestStory:
    def run(self, tenant: Tenant, capsys: pytest.CaptureFixture[str], stage: str) -> list[str]:
        """Return the lines that one stage of a chain logs."""
        chain, run = tenant.chain(), tenant.scheduled(1, 0)
        for name in STAGES[: STAGES.index(stage)]:
            chain.run_task(name, run)
        capsys.readouterr()
        chain.run_task(stage, run)
        return [line for line in capsys.readouterr().out.splitlines() if "outside of the Task Runner" not in line]

    @pytest.mark.parametrize("stage", STAGES)
    def test_is_short_with_counts_and_nothing_private(
        self, tenant: Tenant, capsys: pytest.CaptureFixture[str], stage: str
    ) -> None:
        add_a_bit_of_everything(tenant)
        lines = self.run(tenant, capsys, stage)
        assert 3 <= len(lines) <= 12
        text = "\n".join(lines)
        window = f"Window [{format_instant(tenant.ago(1))}, {format_instant(tenant.now)}) (data interval)"
        assert window in text
        assert f"{stage}: " in text
        assert not [mark for mark in (*PAYLOAD, *SECRETS) if mark in text]

    def test_explains_every_code(self, tenant: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
        add_a_bit_of_everything(tenant)
        text = "\n".join(self.run(tenant, capsys, "filter"))
        assert (
            "2 dropped, null_display_name: The display name under the actor information is null. "
            "For example event-0500, event-0501." in text
        )
        assert "4 quarantined, event_not_an_object: The event is not a JSON object." in text

    @pytest.mark.parametrize("name", ["okta", "sentinelone"])
    def test_has_words_for_every_code_of_a_source(self, tenant: Tenant, name: str) -> None:
        source, chain = load_source(name), tenant.chain(name)
        dag = chain.context(tenant.manual())["dag"]
        assert dag.get_task("filter").words().keys() >= source.drop_reasons.keys()
        assert dag.get_task("map").words().keys() >= {*source.issues, *source.notes}
        assert dag.get_task("validate").words().keys() == {*ISSUES, "duplicate", "rejected_by_api"}


class TestWaits:
    def test_a_wait_of_more_than_a_minute_frees_the_slot(self, tenant: Tenant) -> None:
        tenant.simulator.add_fault("sentinelone", "status", status=429, headers={"Retry-After": "300"})
        before = datetime.now(UTC)
        with pytest.raises(AirflowRescheduleException) as pause:
            tenant.chain("sentinelone").run_task("extract", tenant.scheduled(1, 0))
        after = datetime.now(UTC)
        assert before <= pause.value.reschedule_date - timedelta(seconds=300) <= after
        assert [entry.status for entry in tenant.simulator.requests] == [429]

    def test_a_short_wait_is_slept_in_place(self, tenant: Tenant) -> None:
        tenant.simulator.add_fault("sentinelone", "status", status=429, count=3, headers={"Retry-After": "0"})
        manifest = tenant.chain("sentinelone").run_task("extract", tenant.scheduled(1, 0))
        assert manifest["records_in"] == 0
        assert [entry.status for entry in tenant.simulator.requests] == [429, 429, 429, 200]

    def test_a_longer_wait_is_left_to_airflows_retries(self, tenant: Tenant) -> None:
        tenant.simulator.add_fault("okta", "status", status=503, count=4, headers={"Retry-After": "0"})
        with pytest.raises(UnavailableError, match="Okta answered 503") as error:
            tenant.chain().run_task("extract", tenant.scheduled(1, 0))
        assert error.value.retry_after_s == 0
        assert not tenant.simulator.pending_faults


def run_all_but_submit(chain: Chain, tenant: Tenant) -> dict[str, bytes]:
    """Return the bytes of every artifact of a run."""
    run = tenant.scheduled(1, 0)
    for stage in STAGES[:4]:
        chain.run_task(stage, run)
    return read_staging(chain)


def read_staging(chain: Chain) -> dict[str, bytes]:
    folder = Path(str(chain.manifests["extract"]["artifact"]).removeprefix("file://")).parent
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class TestRetry:
    def test_writes_the_same_artifacts_again(self, tenant: Tenant) -> None:
        add_a_bit_of_everything(tenant)
        chain = tenant.chain()
        first = run_all_but_submit(chain, tenant)
        assert first == run_all_but_submit(chain, tenant)
        assert sorted(first) == [
            "extract.jsonl.zst",
            "filter.dropped.jsonl.zst",
            "filter.jsonl.zst",
            "filter.quarantined.jsonl.zst",
            "map.jsonl.zst",
            "map.quarantined.jsonl.zst",
            "validate.jsonl.zst",
        ]

    @pytest.mark.parametrize("stage", STAGES[1:4])
    def test_of_one_stage_changes_nothing(self, tenant: Tenant, stage: str) -> None:
        add_a_bit_of_everything(tenant)
        chain = tenant.chain()
        before = run_all_but_submit(chain, tenant)
        chain.run_task(stage, tenant.scheduled(1, 0))
        assert read_staging(chain) == before

    def test_a_source_that_fails_midway_leaves_what_was_read_and_no_artifact(
        self, tenant: Tenant, staging: Path
    ) -> None:
        tenant.add_events(1500)
        tenant.simulator.add_fault("okta", "status", status=401, skip=1)
        with pytest.raises(Exception, match="401"):
            tenant.chain().run_task("extract", tenant.scheduled(1, 0))
        left = sorted(path.name for path in staging.rglob("*") if path.is_file())
        assert [re.sub("-[0-9a-f]{8}", "", name) for name in left] == [
            "extract.pages.jsonl.zst",
            "extract.part1.jsonl.zst",
        ]

    def test_runs_have_separate_folders(self, tenant: Tenant, staging: Path) -> None:
        tenant.add_events(1)
        chain = tenant.chain()
        for run_id in ("manual__2026-03-01T00:00:00+00:00_x", "scheduled__1"):
            chain.run_task("extract", tenant.scheduled(1, 0, run_id))
        folders = sorted(path.relative_to(staging).as_posix() for path in staging.glob("*/*"))
        assert folders == [
            "collective_insights_okta/@records",
            "collective_insights_okta/manual__2026-03-01T00_00_00_00_00_x-2a100e0d",
            "collective_insights_okta/scheduled__1",
        ]


def test_an_artifact_that_retention_deleted_is_named(tenant: Tenant, staging: Path) -> None:
    tenant.add_events(1)
    chain, run = tenant.chain(), tenant.scheduled(1, 0)
    chain.run_task("extract", run)
    shutil.rmtree(staging)
    with pytest.raises(ConfigurationError, match="was deleted, by retention or by hand"):
        chain.run_task("filter", run)


@pytest.mark.parametrize("stage", STAGES[1:])
def test_a_stage_that_a_person_marked_as_success_is_named(tenant: Tenant, stage: str) -> None:
    """It has no XCom: the run fails, and the next one reads the window."""
    tenant.add_events(3)
    chain, run = tenant.chain(), tenant.scheduled(1, 0.2)
    context = chain.context(run)
    task = context["dag"].get_task(stage)
    task.manifest = None
    with pytest.raises(ConfigurationError, match=r"marked as success by hand.* Clear the run from extract on"):
        execute(task, context)
    chain.run_all(tenant.scheduled(0.2, 0, "next"))
    assert chain.watermark == format_instant(tenant.now)


def test_a_full_staging_area_is_a_sentence_and_the_retry_continues(tenant: Tenant, staging: Path) -> None:
    monkeypatch = pytest.MonkeyPatch()  # the fixture's own undo would remove the staging area too

    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    tenant.add_events(3)
    chain, run = tenant.chain(), tenant.scheduled(1, 0)
    chain.run_task("extract", run)
    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(StagingError) as caught:
        chain.run_task("filter", run)
    monkeypatch.undo()
    folder = staging / "collective_insights_okta" / "scheduled__1"
    assert str(caught.value) == (
        f"The staging area is full (No space left on device): file://{folder}. Free space, or shorten "
        "`retention: artifacts`."
    )
    assert chain.run_task("filter", run)["records_out"] == 3


def test_an_xcom_cannot_name_the_events_of_another_connector(tenant: Tenant) -> None:
    tenant.add_events(1)
    chain, run = tenant.chain(), tenant.scheduled(1, 0)
    manifest = chain.run_task("extract", run)
    manifest["artifact"] = manifest["artifact"].replace("collective_insights_okta", "collective_insights_other")
    with pytest.raises(ConfigurationError, match="is not in this run's directory"):
        chain.run_task("filter", run)


def test_pending_detections_go_with_the_next_run_even_if_its_window_is_empty(tenant: Tenant) -> None:
    tenant.add_events(15)
    chain = tenant.chain(batch_size=5)
    chain.destination = Destination(daily_limit=10, reserved_share=0)
    chain.run_all(tenant.scheduled(1, 0))
    assert len(tenant.sent_ids) == 10
    chain.destination = Destination()
    manifests = chain.run_all(tenant.scheduled(0.1, 0, "next"))
    assert manifests["submit"]["from_waiting"] == 5
    assert len(set(tenant.sent_ids)) == len(tenant.sent_ids) == 15
