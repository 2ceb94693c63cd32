"""The page in Airflow's navigation in a browser: overview, ATT&CK matrix, files, colors, and permissions."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pytest
from playwright.sync_api import Browser, Download, expect

from tests.end_to_end.chromium import Visit, visiting
from tests.end_to_end.conftest import READER, Installation
from tests.end_to_end.insights_pages import InsightsPage, RunTab, ask_api, save
from tests.end_to_end.looked_at import DELIVERED, DROPPED, QUARANTINED, TECHNIQUES, LookedAt
from tests.end_to_end.tenant import Tenant
from tests.pages.layer_schema import LAYER_SCHEMA

pytestmark = pytest.mark.airflow

PAGE = "/plugin/collective-insights"
LEFT_OUT = DROPPED | QUARANTINED
#: Keeps the first filter that a page shows.
KEEP_FILTER = """
new MutationObserver(() => {
  globalThis.kept ??= [...document.querySelectorAll("button")].find((each) => each.innerText === "All connectors");
}).observe(document, { childList: true, subtree: true });
"""


@pytest.fixture
def overview(visit: Visit, looked_at: LookedAt) -> InsightsPage:
    """The overview of one connector."""
    return InsightsPage(visit.go(f"{PAGE}?connector={looked_at.tenant.name}"))


def ask_trend(visit: Visit, looked_at: LookedAt, what: str) -> Any:
    """Return one of the connector's trends of the last week, from the API."""
    return ask_api(visit, f"trends/{what}", connector=looked_at.tenant.name)


def read_csv(download: Download) -> list[dict[str, str]]:
    """Return the rows of a saved file."""
    assert download.suggested_filename.endswith(".csv")
    return list(csv.DictReader(io.StringIO(download.path().read_text(encoding="utf-8"))))


def test_overview_shows_health_and_figures_of_the_chosen_connector(visit: Visit, looked_at: LookedAt) -> None:
    overview = InsightsPage(visit.go("/"))
    visit.page.get_by_role("link", name="Insights", exact=True).click()
    overview.choose_connector(looked_at.tenant.name)
    row = overview.rows("Connectors")
    expect(row).to_have_count(1)
    for words in ("looked-at", "On time", f"{QUARANTINED.total()} quarantined", f"{DELIVERED} of 15,000"):
        expect(row).to_contain_text(words)
    days = ask_trend(visit, looked_at, "days")
    assert days["detections"] == DELIVERED == sum(day["detections"] for day in days["days"])
    expect(overview.figure("Detections delivered")).to_contain_text(str(DELIVERED))
    expect(overview.figure("Events not delivered")).to_contain_text(str(LEFT_OUT.total()))
    expect(visit.page.get_by_role("img", name="by connector: looked-at.")).to_be_visible()
    reasons = ask_trend(visit, looked_at, "reasons")["reasons"]
    assert {reason["code"]: reason["events"] for reason in reasons} == LEFT_OUT
    for reason in reasons:
        item = overview.section("Why events did not arrive").get_by_role("listitem").filter(has_text=reason["words"])
        expect(item).to_contain_text(f"{reason['events']}")
        expect(item).to_contain_text(reason["faq"])
    top = ask_trend(visit, looked_at, "indicators")["indicators"]
    assert sum(indicator["detections"] for indicator in top) == DELIVERED
    for row, indicator in zip(overview.rows("Top indicators").all(), top, strict=True):
        expect(row).to_contain_text(indicator["value"])
        expect(row.get_by_role("cell").nth(1)).to_have_text(str(indicator["detections"]))


def test_visible_parts_are_not_redrawn(visit: Visit) -> None:
    """Airflow renders the first component in another element after a change of the URL; open menus would close."""
    with visit.page.context.new_page() as page:
        page.add_init_script(KEEP_FILTER)
        page.goto(f"{visit.url}{PAGE}")
        expect(InsightsPage(page).rows("Connectors").first).to_be_visible()
        assert page.evaluate("kept.isConnected")


def test_filters_are_in_the_url_and_survive_a_reload(visit: Visit, looked_at: LookedAt) -> None:
    overview, page = InsightsPage(visit.go(PAGE)), visit.page
    overview.choose_connector(looked_at.tenant.name)
    period = page.get_by_role("combobox", name="Time range")
    period.select_option("Last 30 days")
    expect(overview.section("Detections per day").get_by_role("img", name="31 days")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query) == {"connector": ["looked-at"], "range": ["30d"]}
    page.reload()
    expect(page.get_by_role("button", name="looked-at")).to_be_visible()
    expect(period).to_have_value("30d")
    expect(overview.rows("Connectors")).to_have_count(1)
    page.get_by_role("tab", name="ATT&CK").click()
    expect(page.get_by_role("button", name="looked-at")).to_be_visible()
    page.go_back()
    expect(overview.rows("Connectors")).to_have_count(1)


def test_figures_are_saved_as_csv_and_json(looked_at: LookedAt, overview: InsightsPage) -> None:
    del looked_at
    expect(overview.rows("Connectors")).to_have_count(1)
    days = read_csv(overview.export("Detections per day", "CSV"))
    assert sum(int(row["detections"]) for row in days) == DELIVERED
    assert {row["connector"] for row in days} == {"looked-at"}
    reasons = read_csv(overview.export("Why events did not arrive", "CSV"))
    assert {row["code"]: int(row["events"]) for row in reasons} == LEFT_OUT
    saved = overview.export("Top indicators", "JSON")
    assert sum(row["detections"] for row in json.loads(saved.path().read_text())) == DELIVERED


def test_matrix_has_the_api_s_counts_and_goes_to_att_ck_navigator(visit: Visit, looked_at: LookedAt) -> None:
    page = visit.go(f"{PAGE}?view=attack&connector=looked-at")
    answer = ask_trend(visit, looked_at, "techniques")
    assert {each["code"]: each["detections"] for each in answer["techniques"]} == TECHNIQUES
    for each in answer["techniques"]:
        name = f"{each['name']}, {each['code']}, {each['detections']} detections"
        cells = page.get_by_role("region", name="ATT&CK matrix").get_by_role("group", name=name, exact=True)
        expect(cells).to_have_count(len(each["tactics"]))
        expect(cells.first).to_contain_text(str(each["detections"]))
    expect(page.get_by_text(f"{answer['without_codes']} detection in this time range has no code")).to_be_visible()
    saved = save(page, page.get_by_role("link", name="Export as ATT&CK Navigator layer"))
    layer = json.loads(saved.path().read_text(encoding="utf-8"))
    jsonschema.validate(layer, LAYER_SCHEMA)
    assert {each["techniqueID"]: each["score"] for each in layer["techniques"]} == TECHNIQUES


def test_chart_labels_are_drawn_as_text_at_the_pointer(visit: Visit, overview: InsightsPage) -> None:
    chart = overview.section("Detections per day").get_by_role("img", name="Detections per day")
    chart.locator("svg").hover()
    expect(chart.locator("svg")).to_contain_text("No detections")
    expect(visit.page.locator("[onerror]")).to_have_count(0)


def test_page_follows_dark_mode(installation: Installation, browser: Browser, looked_at: LookedAt) -> None:
    airflow = installation.address
    with visiting(browser, airflow.url, dark=True) as visit:
        visit.log_in(airflow.user, airflow.password)
        tab = RunTab(visit.go(looked_at.tab_path()))
        dark = read_colors(tab)
        visit.page.emulate_media(color_scheme="light")
        expect(visit.page.locator("html.light")).to_be_attached()
        expect(tab.funnel.get_by_text("Events read")).not_to_have_attribute("fill", dark["words"])
        light = read_colors(tab)
        assert visit.complaints == []
    assert brightness(dark["page"]) < 64 < 192 < brightness(light["page"])
    assert brightness(dark["words"]) - brightness(dark["page"]) > 96
    assert brightness(light["page"]) - brightness(light["words"]) > 96


def read_colors(tab: RunTab) -> dict[str, str]:
    """Return the color of a section of the page, and of the labels in the funnel."""
    section = tab.page.get_by_role("region").filter(has=tab.page.get_by_role("heading", name="What happened to"))
    words = tab.funnel.get_by_text("Events read").get_attribute("fill")
    assert words is not None
    return {"page": section.evaluate(_BACKGROUND), "words": words}


#: A canvas reads every notation of a color.
_BACKGROUND = """element => {
    const pencil = document.createElement("canvas").getContext("2d");
    pencil.fillStyle = getComputedStyle(element).backgroundColor;
    pencil.fillRect(0, 0, 1, 1);
    return `rgb(${pencil.getImageData(0, 0, 1, 1).data.slice(0, 3).join(",")})`;
}"""


def brightness(color: str) -> float:
    """Return how bright a color such as rgb(1,2,3) is, from 0 to 255."""
    parts = [float(part) for part in color.partition("(")[2].rstrip(")").split(",")[:3]]
    return sum(parts) / 3


@pytest.fixture(scope="module")
def reader(installation: Installation, browser: Browser) -> Iterator[Visit]:
    """A logged-in user who can read one connector's DAG."""
    passwords = json.loads((installation.settings.folder / "airflow" / "passwords.json").read_text())
    with visiting(browser, installation.address.url) as visit:
        visit.log_in(READER, passwords[READER])
        yield visit


def test_reader_of_one_connector_sees_that_one(reader: Visit, first_imports: dict[str, Tenant]) -> None:
    assert first_imports["okta"].name == "first-okta"
    reader.forget()
    page = InsightsPage(reader.go(PAGE))
    expect(page.rows("Connectors")).to_have_count(1)
    expect(page.rows("Connectors")).to_contain_text("first-okta")
    page.page.get_by_role("button", name="All connectors").click()
    expect(page.page.get_by_role("menuitemcheckbox")).to_have_text(["first-okta"])
    assert (reader.complaints, reader.strangers) == ([], [])


def test_reader_of_one_connector_gets_nothing_about_another(reader: Visit, looked_at: LookedAt) -> None:
    tab = RunTab(reader.go(looked_at.tab_path()))
    expect(tab.page.get_by_text("You do not have permission to read this connector's DAG.")).to_be_visible()
    expect(tab.funnel).to_have_count(0)
    reader.go(f"{PAGE}?view=explain&q=spray-1&only=looked-at")
    expect(tab.page.get_by_text("Nothing is known about spray-1")).to_be_visible()
    InsightsPage(reader.go(f"{PAGE}?connector=looked-at"))
    expect(tab.page.get_by_text("No connector yet")).to_be_visible()
