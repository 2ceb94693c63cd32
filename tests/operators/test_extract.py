"""Extract finds the run's window from trigger form, data interval and watermark."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.api.datamodels._generated import DagRunType
from sqlalchemy import Connection, text

from ci_operators.airflow_plugin.versions import HAS_ASSET_STATE, AirflowRescheduleException
from ci_operators.core.errors import ConfigurationError
from ci_operators.core.instant import format_instant
from ci_operators.core.window import Window
from ci_operators.ledger.compaction import forget_delivered
from tests.operators.conftest import Chain, FakeRun, Tenant


def resolve(chain: Chain, run: FakeRun) -> tuple[Window, str]:
    context = chain.context(run)
    found = chain.operator("extract", context).prepare(context)
    return found.window, found.basis


class TestWindow:
    def test_first_scheduled_run_reads_its_interval(self, tenant: Tenant) -> None:
        chain = tenant.chain()
        window = Window(tenant.ago(24), tenant.ago(0))
        assert resolve(chain, tenant.scheduled(24, 0)) == (window, "data interval")

    def test_scheduled_run_reaches_back_to_the_watermark(self, tenant: Tenant) -> None:
        chain = tenant.chain()
        chain.run_all(tenant.scheduled(24, 3))
        window = Window(tenant.ago(3), tenant.ago(0))
        assert resolve(chain, tenant.scheduled(1, 0)) == (window, "data interval and the gap before it")

    def test_a_failed_runs_window_is_closed_by_the_next_run(self, tenant: Tenant) -> None:
        tenant.add_events(3, hours_ago=1.5)
        tenant.add_events(2, hours_ago=0.5, uuid="late")
        chain = tenant.chain()
        chain.run_all(tenant.scheduled(24, 2))
        tenant.simulator.add_fault("okta", "status", status=401)
        with pytest.raises(Exception, match="401"):
            chain.run_all(tenant.scheduled(2, 1, "failed"))
        assert chain.watermark == format_instant(tenant.ago(2))
        chain.run_all(tenant.scheduled(1, 0, "next"))
        assert len(tenant.sent_ids) == 5
        assert chain.watermark == format_instant(tenant.ago(0))

    def test_a_failed_initial_import_is_closed_by_the_next_run(self, tenant: Tenant) -> None:
        tenant.add_events(3, hours_ago=20)
        chain = tenant.chain()
        tenant.simulator.add_fault("okta", "status", status=401)
        with pytest.raises(Exception, match="401"):
            chain.run_all(tenant.scheduled(24, 1, "initial import"))
        chain.run_all(tenant.scheduled(1, 0, "next"))
        assert len(tenant.sent_ids) == 3

    def test_manual_run_reads_what_the_form_says(self, tenant: Tenant) -> None:
        run = tenant.manual(since=format_instant(tenant.ago(5)), until=format_instant(tenant.ago(4)))
        assert resolve(tenant.chain(), run) == (Window(tenant.ago(5), tenant.ago(4)), "trigger form")

    def test_form_wins_over_the_data_interval(self, tenant: Tenant) -> None:
        run = tenant.manual(since=format_instant(tenant.ago(5)))
        run.data_interval_start, run.data_interval_end = tenant.ago(2), tenant.ago(1)
        assert resolve(tenant.chain(), run)[0] == Window(tenant.ago(5), tenant.now)

    def test_manual_run_with_a_logical_date_reads_its_interval(self, tenant: Tenant) -> None:
        run = tenant.manual()
        run.data_interval_start, run.data_interval_end = tenant.ago(2), tenant.ago(1)
        assert resolve(tenant.chain(), run) == (Window(tenant.ago(2), tenant.ago(1)), "data interval")

    def test_manual_run_without_logical_date_reads_the_last_update_frequency(self, tenant: Tenant) -> None:
        found = resolve(tenant.chain(update_frequency="2 hours"), tenant.manual())
        assert found == (Window(tenant.ago(2), tenant.now), "last update frequency")

    def test_other_kinds_of_run_are_manual_ones(self, tenant: Tenant) -> None:
        run = FakeRun(DagRunType.ASSET_TRIGGERED, tenant.now)
        assert resolve(tenant.chain(), run)[1] == "last update frequency"

    def test_backfill_reads_its_interval_whatever_the_watermark(self, tenant: Tenant) -> None:
        chain = tenant.chain()
        chain.run_all(tenant.scheduled(24, 23))
        run = FakeRun(DagRunType.BACKFILL, tenant.now, tenant.ago(6), tenant.ago(5))
        assert resolve(chain, run) == (Window(tenant.ago(6), tenant.ago(5)), "data interval")

    def test_first_live_run_after_debug_mode_brings_the_initial_import(self, tenant: Tenant) -> None:
        chain = tenant.chain(debug=True, initial_import="1 day")
        chain.run_all(tenant.scheduled(24, 1))
        live = tenant.chain(debug=False, initial_import="1 day")
        live.asset_store = chain.asset_store
        window, basis = resolve(live, tenant.scheduled(1, 0))
        assert basis == "data interval and the initial import"
        assert window.until == tenant.now
        assert timedelta(0) <= window.since - tenant.ago(24) < timedelta(minutes=1)


class TestRefusals:
    @pytest.mark.parametrize(
        ("conf", "sentence"),
        [
            ({"since": "2026-03-02T00:00:00Z", "until": "2026-03-01T00:00:00Z"}, "must be later than since"),
            ({"since": "2026-03-02T00:00:00"}, "since '2026-03-02T00:00:00' has no time zone"),
            ({"until": "9999-01-01T00:00:00Z"}, r"until \(9999-01-01T00:00:00.000Z\) is in the future"),
            ({"until": "soon"}, "until 'soon' is not a date and time. Write it for example 20"),
        ],
    )
    def test_a_form_that_makes_no_sense(self, tenant: Tenant, conf: dict[str, Any], sentence: str) -> None:
        with pytest.raises(ConfigurationError, match=sentence):
            resolve(tenant.chain(), tenant.manual(**conf))

    def test_unknown_keys_of_the_configuration(self, tenant: Tenant) -> None:
        with pytest.raises(ConfigurationError) as refusal:
            resolve(tenant.chain(), tenant.manual(sinze="2026-03-02T00:00:00Z", only_analyst_verified=True))
        assert str(refusal.value) == (
            "The run's configuration has only_analyst_verified, sinze, which this DAG does not know; "
            "it knows debug, since, until."
        )

    @pytest.mark.parametrize("kind", [DagRunType.SCHEDULED, DagRunType.BACKFILL])
    def test_a_form_in_a_run_that_already_has_a_window(self, tenant: Tenant, kind: DagRunType) -> None:
        conf = {"since": "2026-03-02T00:00:00Z"}
        run = FakeRun(kind, tenant.now, tenant.ago(2), tenant.ago(1), conf)
        with pytest.raises(ConfigurationError, match="manual runs only"):
            resolve(tenant.chain(), run)


class TestLedger:
    def test_a_live_connector_without_one_is_refused_before_anything_is_read(
        self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("AIRFLOW_CONN_COLLECTIVE_INSIGHTS_LEDGER")
        with pytest.raises(
            ConfigurationError, match=r"collective_insights_ledger does not exist .* a live connector needs"
        ):
            tenant.chain().run_task("extract", tenant.scheduled(1, 0))
        assert tenant.simulator.requests == []

    def test_a_connector_in_debug_mode_needs_none(self, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AIRFLOW_CONN_COLLECTIVE_INSIGHTS_LEDGER")
        tenant.add_events(2)
        chain = tenant.chain(debug=True)
        assert chain.run_all(tenant.scheduled(1, 0))["validate"]["checked_by_api"] == {"ip": 2}

    def test_a_live_run_reads_nothing_older_than_its_memory(self, tenant: Tenant) -> None:
        conf = {"since": format_instant(tenant.now - timedelta(days=401))}
        with pytest.raises(ConfigurationError, match=r"begins before the ledger's memory \(400 days\)"):
            resolve(tenant.chain(), tenant.manual(**conf))
        assert resolve(tenant.chain(), tenant.manual(**conf, debug=True))[1] == "trigger form"

    def test_a_longer_retention_does_not_open_a_window_that_is_forgotten(
        self, tenant: Tenant, ledger_connection: Connection
    ) -> None:
        tenant.add_events(1)
        chain = tenant.chain()
        chain.run_all(tenant.scheduled(1, 0))
        with ledger_connection.begin():
            ledger_connection.execute(text("UPDATE batch SET settled_at = settled_at - CAST('380 days' AS interval)"))
        since, forgotten = (tenant.now - timedelta(days=days) for days in (375, 370))
        assert forget_delivered(ledger_connection, forgotten) == 1
        conf = {"since": format_instant(since)}
        with pytest.raises(ConfigurationError, match=f"before {format_instant(forgotten)}: the ledger has deleted"):
            resolve(chain, tenant.manual(**conf))
        assert resolve(chain, tenant.manual(**conf, debug=True))[1] == "trigger form"
        assert resolve(chain, tenant.manual(since=format_instant(forgotten)))[1] == "trigger form"


class TestOverlap:
    def test_a_live_scheduled_run_rereads_a_little_for_events_published_late(self, tenant: Tenant) -> None:
        chain = tenant.chain(overlap="10 minutes")
        tenant.add_events(2, hours_ago=1.1)
        chain.run_all(tenant.scheduled(2, 1))
        tenant.add_events(1, hours_ago=1.05, uuid="late")
        manifests = chain.run_all(tenant.scheduled(1, 0, "next"))
        assert manifests["extract"]["records_in"] == 3
        assert manifests["submit"]["dropped"] == {"already_accepted": 2}
        assert tenant.sent_ids == ["event-0000", "event-0001", "late"]

    @pytest.mark.parametrize("kind", [DagRunType.MANUAL, DagRunType.BACKFILL])
    def test_other_runs_read_their_window_alone(self, tenant: Tenant, kind: DagRunType) -> None:
        tenant.add_events(2, hours_ago=1.1)
        run = FakeRun(kind, tenant.now, tenant.ago(1), tenant.now)
        assert tenant.chain().run_task("extract", run)["records_in"] == 0

    def test_a_debug_run_reads_its_window_alone(self, tenant: Tenant) -> None:
        tenant.add_events(2, hours_ago=1.1)
        assert tenant.chain(debug=True).run_task("extract", tenant.scheduled(1, 0))["records_in"] == 0


class TestContinuation:
    @pytest.fixture
    def chain(self, tenant: Tenant) -> Chain:
        """A connector whose source requests a wait of an hour after the first of three pages."""
        tenant.add_events(2500)
        headers = {"X-Rate-Limit-Reset": str(int(datetime.now(UTC).timestamp()) + 3600)}
        tenant.simulator.add_fault("okta", "status", status=429, headers=headers, skip=1)
        return tenant.chain()

    def begin(self, chain: Chain, run: FakeRun) -> None:
        with pytest.raises(AirflowRescheduleException):
            chain.run_task("extract", run)

    def test_a_rescheduled_task_continues_at_its_page(self, tenant: Tenant, chain: Chain) -> None:
        run = tenant.scheduled(1, 0)
        self.begin(chain, run)
        manifest = chain.run_task("extract", run)
        assert (manifest["records_out"], manifest["pages"]) == (2500, 3)
        assert [entry.status for entry in tenant.simulator.requests] == [200, 429, 200, 200]

    def test_the_log_reports_the_continuation(
        self, tenant: Tenant, chain: Chain, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.begin(chain, tenant.scheduled(1, 0))
        with caplog.at_level("INFO"):
            chain.run_task("extract", tenant.scheduled(1, 0))
        assert "Continuing at page 2: 1000 events are staged." in caplog.text

    def test_a_run_that_is_cleared_later_reads_its_window_again(self, tenant: Tenant, chain: Chain) -> None:
        run = tenant.scheduled(1, 0)
        self.begin(chain, run)
        chain.run_task("extract", run)
        tenant.simulator.clear_requests()
        assert chain.run_task("extract", run)["records_out"] == 2500
        assert len(tenant.simulator.requests) == 3

    def test_another_run_begins_at_page_1(self, tenant: Tenant, chain: Chain) -> None:
        self.begin(chain, tenant.scheduled(1, 0, "first"))
        assert chain.run_task("extract", tenant.scheduled(1, 0, "second"))["pages"] == 3
        assert [entry.status for entry in tenant.simulator.requests] == [200, 429, 200, 200, 200]

    def test_options_that_changed_meanwhile_begin_at_page_1(self, tenant: Tenant, chain: Chain) -> None:
        run = tenant.scheduled(1, 0)
        self.begin(chain, run)
        changed = replace(chain, connector=chain.connector.model_copy(update={"overlap": timedelta(minutes=1)}))
        assert changed.run_task("extract", run)["records_out"] == 2500
        assert [entry.status for entry in tenant.simulator.requests] == [200, 429, 200, 200, 200]

    def test_a_page_token_that_okta_refuses_begins_at_page_1(self, tenant: Tenant, chain: Chain) -> None:
        run = tenant.scheduled(1, 0)
        self.begin(chain, run)
        tenant.simulator.add_fault("okta", "status", status=400)
        assert chain.run_task("extract", run)["records_out"] == 2500
        two_pieces = [200, 200, 200, 200]
        assert [entry.status for entry in tenant.simulator.requests] == [200, 429, 400, *two_pieces]

    def test_the_bounds_stay_those_of_page_1(self, tenant: Tenant, chain: Chain) -> None:
        """The source keeps fewer events each second."""
        run = tenant.scheduled(24 * 200, 0)
        self.begin(chain, run)
        assert chain.run_task("extract", run)["records_out"] == 2500
        assert len({dict(entry.query)["since"] for entry in tenant.simulator.requests}) == 1


class TestWatermark:
    def test_moves_last_forward_and_to_the_windows_end(self, tenant: Tenant) -> None:
        tenant.add_events(1)
        chain = tenant.chain()
        run = tenant.scheduled(24, 0)
        for stage in ("extract", "filter", "map", "validate"):
            chain.run_task(stage, run)
            assert chain.watermark == format_instant(tenant.ago(24))
        chain.run_task("submit", run)
        assert chain.watermark == format_instant(tenant.now)

    def test_never_moves_back(self, tenant: Tenant) -> None:
        chain = tenant.chain()
        chain.run_all(tenant.scheduled(2, 0))
        chain.run_all(tenant.scheduled(10, 9, "cleared"))
        assert chain.watermark == format_instant(tenant.now)

    @pytest.mark.parametrize("kind", [DagRunType.BACKFILL, DagRunType.MANUAL])
    def test_other_runs_leave_it_alone(self, tenant: Tenant, kind: DagRunType) -> None:
        tenant.add_events(1)
        chain = tenant.chain()
        chain.run_all(FakeRun(kind, tenant.now, tenant.ago(2), tenant.now))
        assert len(tenant.sent_ids) == 1
        assert (chain.watermark, chain.debug_watermark) == (None, None)

    def test_a_dry_run_of_a_live_connector_leaves_it_alone(self, tenant: Tenant) -> None:
        tenant.add_events(1)
        chain = tenant.chain()
        chain.run_all(tenant.manual(debug=True))
        assert (chain.watermark, chain.debug_watermark, tenant.sent_ids) == (None, None, [])

    def test_is_moved_by_the_next_extract_when_a_middle_stage_ended_the_run(self, tenant: Tenant) -> None:
        """Filter, map and validate have no asset, which saves requests."""
        tenant.add_events(1, 1.5, actor=None)
        chain = tenant.chain()
        assert list(chain.run_all(tenant.scheduled(2, 1))) == ["extract", "filter"]
        if HAS_ASSET_STATE:
            assert chain.watermark == format_instant(tenant.ago(2))
        assert resolve(chain, tenant.scheduled(0.5, 0, "next"))[0] == Window(tenant.ago(1), tenant.now)
        assert chain.watermark == format_instant(tenant.ago(1))

    def test_is_never_before_the_ledgers_retention(self, tenant: Tenant, ledger_connection: Connection) -> None:
        tenant.add_events(1)
        chain = tenant.chain()
        chain.run_all(tenant.scheduled(2, 1))
        with ledger_connection.begin():
            ledger_connection.execute(text("DELETE FROM stage_run"))
        assert resolve(chain, tenant.scheduled(0.5, 0, "next"))[0] == Window(tenant.ago(1), tenant.now)

    def test_debug_mode_has_a_separate_one(self, tenant: Tenant) -> None:
        tenant.add_events(1)
        chain = tenant.chain(debug=True)
        chain.run_all(tenant.scheduled(2, 0))
        assert (chain.watermark, chain.debug_watermark) == (None, format_instant(tenant.now))


def test_debug_mode_of_the_form_applies_to_the_run(tenant: Tenant) -> None:
    tenant.add_events(2)
    chain = tenant.chain(debug=True)
    manifests = chain.run_all(tenant.manual(debug=False))
    assert len(tenant.sent_ids) == 2
    assert [manifest["debug"] for manifest in manifests.values()] == [False] * 5


def test_option_of_the_form_replaces_the_connectors(tenant: Tenant) -> None:
    verdicts = {"a": "true_positive", "b": "undefined"}
    for threat_id, verdict in verdicts.items():
        info = {"createdAt": format_instant(tenant.ago(0.5)), "updatedAt": format_instant(tenant.ago(0.5))}
        info |= {"threatId": threat_id, "analystVerdict": verdict, "sha1": f"{threat_id * 40}"}
        tenant.simulator.add_threat({"id": threat_id, "threatInfo": info})
    chain = tenant.chain("sentinelone", update_frequency="1 hour")
    chain.run_all(tenant.manual(only_analyst_verified=True))
    assert tenant.sent_ids == ["a"]


def test_events_are_unchanged_and_pages_are_counted(tenant: Tenant) -> None:
    tenant.add_events(1001)
    manifest = tenant.chain().run_task("extract", tenant.scheduled(1, 0))
    assert (manifest["records_in"], manifest["records_out"], manifest["pages"]) == (1001, 1001, 2)
    assert manifest["window"] == {
        "since": format_instant(tenant.ago(1)),
        "until": format_instant(tenant.now),
        "basis": "data interval",
    }


def test_the_clock_is_read_only_to_refuse_the_future(tenant: Tenant) -> None:
    """A task that is cleared days later resolves the same window."""
    run = tenant.manual()
    run.run_after = datetime.now(UTC) - timedelta(days=9)
    window, _ = resolve(tenant.chain(), run)
    assert window.until == run.run_after


def test_a_run_that_began_in_debug_mode_moves_no_live_watermark(tenant: Tenant) -> None:
    """The connector goes live between extract and validate: the first live run must still bring the initial import.

    From Airflow 3.3 on, the last stage of the debug run no longer has the asset whose store keeps its watermark.
    """
    tenant.add_events(3)
    chain = tenant.chain(debug=True)
    run = tenant.scheduled(1, 0)
    for stage in ("extract", "filter", "map"):
        chain.run_task(stage, run)
    live = replace(chain, connector=chain.connector.model_copy(update={"debug": False}))
    live.run_task("validate", run)
    assert live.watermark is None
    assert live.debug_watermark == format_instant(tenant.ago(1) if HAS_ASSET_STATE else tenant.now)
    live.run_all(tenant.scheduled(0.1, 0, "next"))
    assert tenant.sent_ids == ["event-0000", "event-0001", "event-0002"]


def test_the_window_starts_where_the_source_still_has_events(
    tenant: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant.add_events(1)
    assert tenant.chain().run_task("extract", tenant.scheduled(24 * 200, 0))["records_in"] == 1
    assert (
        f"The source keeps events for 90 days: those of [{format_instant(tenant.ago(24 * 200) - timedelta(minutes=10))}"
        in capsys.readouterr().out
    )
    old = tenant.scheduled(24 * 200, 24 * 199, "old")
    assert tenant.chain().run_task("extract", old)["records_in"] == 0


@pytest.mark.parametrize("kind", [DagRunType.MANUAL, DagRunType.BACKFILL])
def test_a_window_that_the_source_no_longer_keeps_is_refused_if_a_person_asks_for_it(
    tenant: Tenant, kind: DagRunType
) -> None:
    run = FakeRun(kind, tenant.now, tenant.ago(24 * 91), tenant.ago(24 * 89))
    sentence = r"The window begins at 20.*Z, but the source keeps its events for 90 days: choose a start after 20.*Z\."
    with pytest.raises(ConfigurationError, match=sentence):
        tenant.chain().run_task("extract", run)
    assert tenant.simulator.requests == []
