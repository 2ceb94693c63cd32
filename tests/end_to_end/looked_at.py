"""The data of the browser tests: a connector's events, each with another outcome, some with HTML in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from playwright.sync_api import expect

from tests.end_to_end.chromium import Visit
from tests.end_to_end.insights_pages import RunTab, TriggerForm
from tests.end_to_end.tenant import PAYLOAD_MARK, Tenant, events, okta_event, wait_for

#: These would run if a page rendered a vendor's string as markup.
IMAGE = "<img src=x onerror=\"sessionStorage.ran='image';alert('image')\">"
SCRIPT = "<script>sessionStorage.ran='script';alert('script')</script>"
MARKUP = f"{IMAGE}{SCRIPT}{{words|&amp;}}"
#: Ids of events; a vendor can send any text as an id.
DELIVERED_MARKUP = f"{IMAGE}-delivered"
DROPPED_MARKUP = f"{SCRIPT}-dropped"
QUARANTINED_MARKUP = "quarantined-markup"

LENGTH = timedelta(minutes=30)
SECOND = timedelta(seconds=1)
SPRAYS, GUESSES = 12, 4
#: Code -> how many events it keeps from arriving.
DROPPED = Counter(null_display_name=3, missing_actor=3)
QUARANTINED = Counter(indicator_not_an_address=3)
#: ATT&CK technique -> detections with it; one more has none.
TECHNIQUES = {"T1110.003": SPRAYS, "T1110.001": GUESSES}
DELIVERED = SPRAYS + GUESSES + 1
READ = DELIVERED + DROPPED.total() + QUARANTINED.total()


@dataclass(frozen=True)
class LookedAt:
    """The connector, its run over the window with the events, and one over a window without any."""

    tenant: Tenant
    begin: datetime
    run_id: str
    empty_run_id: str

    @property
    def read(self) -> int:
        """The number of events that the vendor has in the window."""
        return len(self.tenant.simulator.event_ids("okta", self.begin, self.begin + LENGTH))

    def run_path(self, run_id: str = "") -> str:
        """Return the path of a run in Airflow's UI, by default of the run with the events."""
        return f"/dags/{self.tenant.dag_id}/runs/{quote(run_id or self.run_id, safe='')}"

    def tab_path(self, run_id: str = "") -> str:
        """Return the path of a run's tab."""
        return f"{self.run_path(run_id)}/plugin/collective-insights-run"


def make_events(begin: datetime) -> list[dict[str, Any]]:
    """Return the events, within the first minutes of a window."""
    groups: list[tuple[str, int, dict[str, Any]]] = [
        ("spray", SPRAYS, {}),
        ("guess", GUESSES, {"outcome": {"reason": "Login failures", "result": "DENY"}}),
        ("nameless", 3, {"actor": {"displayName": None}}),
        ("actorless", 2, {"actor": None}),
        ("several", 2, {"actor": {"displayName": "several addresses", "alternateId": PAYLOAD_MARK}}),
    ]
    spoilt = {"displayMessage": MARKUP, "outcome": {"reason": MARKUP, "result": MARKUP}}
    return [
        *(event | more for name, count, more in groups for event in events(name, begin, count, SECOND)),
        okta_event(DELIVERED_MARKUP, begin, **spoilt),
        okta_event(DROPPED_MARKUP, begin, **spoilt, actor=None),
        okta_event(QUARANTINED_MARKUP, begin, **spoilt, actor={"displayName": MARKUP, "alternateId": MARKUP}),
    ]


def trigger_and_watch(visit: Visit, tenant: Tenant, begin: datetime) -> str:
    """Trigger the window by Airflow's form, check that the page follows the run to its end, and return its id.

    The DAG is paused until the page is open, since a run that has ended cannot be followed.
    """
    tenant.pause()
    form = TriggerForm(visit.go(f"/dags/{tenant.dag_id}"))
    form.open()
    form.keep_paused()
    form.fill("Since", begin)
    form.fill("Until", begin + LENGTH)
    form.trigger()
    run_id: str = wait_for(lambda: tenant.runs("manual"), "the triggered run")[0]["dag_run_id"]
    tab = RunTab(visit.go(f"/dags/{tenant.dag_id}/runs/{quote(run_id, safe='')}/plugin/collective-insights-run"))
    expect(visit.page.get_by_text("No records yet")).to_be_visible()
    expect(tab.funnel).to_have_count(0)
    tenant.enable()
    expect(tab.stage("submit")).to_contain_text("success")
    return run_id
