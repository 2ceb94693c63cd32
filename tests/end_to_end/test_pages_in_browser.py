"""The tabs of runs and tasks in a browser: from the funnel to a record and its explanation."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.end_to_end.chromium import Visit
from tests.end_to_end.conftest import Installation
from tests.end_to_end.insights_pages import InsightsPage, RunTab, ask_api
from tests.end_to_end.looked_at import (
    DELIVERED,
    DELIVERED_MARKUP,
    DROPPED,
    DROPPED_MARKUP,
    IMAGE,
    MARKUP,
    QUARANTINED,
    QUARANTINED_MARKUP,
    READ,
    LookedAt,
)
from tests.end_to_end.tenant import PAYLOAD_MARK

pytestmark = pytest.mark.airflow

EXPLAIN = "/plugin/collective-insights?view=explain"
FOLDED = "… personal data, folded away"


@pytest.fixture
def tab(visit: Visit, looked_at: LookedAt) -> RunTab:
    """The tab of the run that was triggered by the form."""
    return RunTab(visit.go(looked_at.tab_path()))


def test_funnel_of_the_triggered_window_has_the_api_s_and_the_vendors_figures(
    visit: Visit, looked_at: LookedAt, tab: RunTab
) -> None:
    assert (looked_at.read, looked_at.tenant.sent.total()) == (READ, DELIVERED)
    left = READ - DROPPED.total()
    for words in (
        f"Events read to Filter: {READ};",
        f"Filter to Null display name: {DROPPED['null_display_name']};",
        f"Filter to Missing actor: {DROPPED['missing_actor']};",
        f"Filter to Map: {left};",
        f"Map to Indicator not an address: {QUARANTINED.total()};",
        f"Submit to Accepted: {DELIVERED}.",
    ):
        expect(visit.page.get_by_role("img", name=words)).to_be_visible()
    expect(tab.funnel.locator("svg")).to_contain_text(f"{DELIVERED}Accepted")
    for stage in ask_api(visit, "run", dag_id=looked_at.tenant.dag_id, run_id=looked_at.run_id)["stages"]:
        expect(tab.cell(stage["stage"], "In")).to_have_text(str(stage["records_in"]))
        expect(tab.cell(stage["stage"], "Out")).to_have_text(str(stage["records_out"]))


def test_from_the_funnel_to_a_record_to_its_explanation(visit: Visit, tab: RunTab) -> None:
    page = visit.page
    tab.funnel.get_by_text("Missing actor").click()
    expect(page.get_by_role("combobox", name="Reason")).to_have_value("missing_actor")
    expect(tab.records).to_have_count(DROPPED["missing_actor"])
    assert "code=missing_actor" in page.url
    tab.show("actorless-1")
    expect(tab.record).to_contain_text("There is no actor information under the event.")
    expect(tab.record).to_contain_text("FAQ 2b")
    tab.record.get_by_role("link", name="Explain this event").click()
    expect(page.get_by_role("heading", name="It did not arrive: filter dropped it.")).to_be_visible()
    verdict = page.get_by_role("status").filter(has=page.get_by_role("heading"))
    expect(verdict).to_contain_text("There is no actor information under the event. (FAQ 2b")
    page.get_by_role("link", name="manual__").click()
    expect(tab.funnel).to_be_visible()


def test_a_record_folds_personal_data_until_somebody_asks(tab: RunTab) -> None:
    tab.stage("map").get_by_role("button", name="quarantined:").click()
    tab.show("several-0")
    expect(tab.event).to_contain_text(f'"alternateId": "{FOLDED}"')
    expect(tab.event).not_to_contain_text(PAYLOAD_MARK)
    tab.record.get_by_role("button", name="Show personal data").click()
    expect(tab.event).to_contain_text(f'"alternateId": "{PAYLOAD_MARK}"')
    tab.record.get_by_role("button", name="Hide personal data").click()
    expect(tab.event).not_to_contain_text(PAYLOAD_MARK)


def test_search_finds_a_delivered_record_with_what_was_sent(tab: RunTab) -> None:
    box = tab.page.get_by_role("textbox", name="Search id, indicator")
    box.fill("spray-7")
    box.press("Enter")
    expect(tab.records).to_have_count(1)
    expect(tab.records).to_contain_text("Accepted")
    expect(tab.records).to_contain_text("T1110.003")
    tab.show("spray-7")
    expect(tab.record.get_by_role("region", name="Detection as sent")).to_contain_text('"id": "spray-7"')


def test_a_record_is_reached_and_left_by_keyboard(tab: RunTab) -> None:
    keyboard, page = tab.page.keyboard, tab.page
    expect(tab.records.first).to_be_visible()
    opener = tab.records.first.get_by_role("button")
    tab.page.get_by_role("combobox", name="Reason").focus()
    press_until_focused(tab, opener)
    keyboard.press("Enter")
    expect(tab.record).to_contain_text("Its path in this run")
    assert page.evaluate("document.activeElement.closest('[role=dialog]') !== null")
    keyboard.press("Escape")
    expect(tab.record).to_be_hidden()
    expect(opener).to_be_focused()


def press_until_focused(tab: RunTab, wanted: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(10):
        tab.page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail("Tab does not reach it.")


@pytest.mark.parametrize(
    ("event_id", "has_personal", "names"),
    [
        (DELIVERED_MARKUP, True, ("Event", "Detection as sent")),
        (DROPPED_MARKUP, False, ("Event",)),
        (QUARANTINED_MARKUP, True, ("Event",)),
    ],
    ids=["delivered", "dropped", "quarantined"],
)
def test_markup_in_a_vendor_s_strings_is_text(
    visit: Visit, tab: RunTab, event_id: str, has_personal: bool, names: tuple[str, ...]
) -> None:
    tab.show(event_id)
    if has_personal:
        tab.record.get_by_role("button", name="Show personal data").click()
    for name in names:
        shown = tab.record.get_by_role("region", name=name, exact=True)
        expect(shown).to_contain_text(IMAGE.replace('"', '\\"'))
    tab.record.get_by_role("link", name="Explain this event").click()
    expect(visit.page.get_by_text("Its path", exact=True)).to_be_visible()
    expect(visit.page.get_by_role("textbox", name="Event id or indicator")).to_have_value(event_id)
    expect(visit.page.locator("[onerror]")).to_have_count(0)


def test_the_check_detects_rendered_markup(person: Visit) -> None:
    person.go("/plugin/collective-insights")
    person.page.evaluate("markup => document.body.insertAdjacentHTML('beforeend', markup)", MARKUP)
    person.page.wait_for_function("sessionStorage.ran")
    person.page.evaluate("sessionStorage.removeItem('ran')")
    assert person.alarms
    person.forget()


def test_a_window_without_events_says_so(visit: Visit, looked_at: LookedAt) -> None:
    tab = RunTab(visit.go(looked_at.tab_path(looked_at.empty_run_id)))
    expect(visit.page.get_by_text("The source had no events in the window: the run ended there.")).to_be_visible()
    expect(tab.stage("filter")).to_contain_text("skipped")


def test_link_of_a_task_leads_to_its_tab(visit: Visit, looked_at: LookedAt) -> None:
    page = visit.go(f"{looked_at.run_path()}/tasks/filter/details")
    name = "What happened to the events"
    link = page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name))
    if link.get_attribute("target") == "_blank":  # Airflow 3.2.0 opens another tab
        with page.expect_popup() as opened:
            link.click()
        page = opened.value
    else:
        link.click()
    expect(page.get_by_role("heading", name="What it dropped or quarantined")).to_be_visible()
    page.get_by_role("button", name="There is no actor information under the event. Show them.").click()
    expect(RunTab(page).records).to_have_count(DROPPED["missing_actor"])
    page.get_by_role("link", name="See the whole run").click()
    expect(RunTab(page).funnel).to_be_visible()


NOT_OURS = "This DAG is not a connector in the connectors file."
UNKNOWN_RUN = "Airflow does not know this run. It was deleted, or its id is misspelled."
UNKNOWN_EVENT = "This event is not in the run's artifacts or in the ledger."


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/dags/collective_insights_maintenance/runs/none/plugin/collective-insights-run", NOT_OURS),
        ("/dags/collective_insights_looked-at/runs/none/plugin/collective-insights-run", UNKNOWN_RUN),
        (f"{EXPLAIN}&q={'a' * 1900}", "The question has 1900 characters. Use at most 400."),
    ],
)
def test_a_missing_run_is_one_sentence(
    person: Visit, installation: Installation, looked_at: LookedAt, path: str, sentence: str
) -> None:
    person.forget()
    expect(person.go(path).get_by_text(sentence)).to_be_visible()
    # Airflow's own parts request the run too, and Chromium logs each refusal. Nothing else may be logged.
    assert [said for said in person.complaints if not said.startswith("Failed to load resource:")] == []


def test_an_unknown_event_is_one_sentence(person: Visit, looked_at: LookedAt) -> None:
    tab = RunTab(person.go(f"{looked_at.tab_path()}?record=none"))
    expect(tab.record).to_contain_text(UNKNOWN_EVENT)
    tab.record.get_by_role("button", name="Close").click()
    expect(tab.record).to_be_hidden()
    expect(tab.funnel).to_be_visible()


def test_explain_asks_the_source_about_unknown_events(visit: Visit, looked_at: LookedAt) -> None:
    visit.go(f"{EXPLAIN}&q=unheard-of&only={looked_at.tenant.name}")
    expect(visit.page.get_by_text("Nothing is known about unheard-of")).to_be_visible()
    sources = InsightsPage(visit.page).section("What the sources say")
    expect(sources).to_contain_text(f"{looked_at.tenant.name} (Okta)")


def test_explain_shows_how_a_delivered_event_arrived(visit: Visit, looked_at: LookedAt) -> None:
    page = InsightsPage(visit.go(EXPLAIN))
    page.explain("guess-2")
    expect(visit.page.get_by_role("heading", name="It arrived: Recorded Future stored it.")).to_be_visible()
    expect(page.section("Its detection")).to_contain_text("T1110.001")
    expect(visit.page.get_by_role("link", name=looked_at.run_id)).to_be_visible()
