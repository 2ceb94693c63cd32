"""Each check of the contract suite is proven by a source that is built to fail it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ci_operators.core.errors import UnreadableAnswerError
from ci_operators.core.verdict import Dropped, Note, Quarantined, Step
from ci_operators.core.window import Window
from ci_operators.sources.okta.api import LOGS_PATH
from ci_operators.transport.auth import Request
from ci_operators.transport.client import Client
from ci_operators.transport.link_header import find_link
from ci_operators.transport.paging import Page
from tests.sources.contract import SourceContract
from tests.sources.okta.specimens import SPECIMENS
from tests.sources.specimens import Specimens

GOOD = SPECIMENS.source
CHECKS = sorted(name for name in vars(SourceContract) if name.startswith("test_"))

Wrap = Callable[[Callable[[bytes], Any], bytes], Any]


def filtering(wrap: Wrap) -> Specimens:
    """Return a source whose filter step answers `wrap(good step, event)`."""

    def criteria(connector: Any) -> Step:
        step = GOOD.criteria(connector)
        return lambda event: wrap(step, event)

    return SPECIMENS.with_source(criteria=criteria)


def mapping(wrap: Wrap) -> Specimens:
    """Return a source whose map step answers `wrap(good step, event)`."""

    def mapping_for(connector: Any, note: Note) -> Step:
        step = GOOD.mapping(connector, note)
        return lambda event: wrap(step, event)

    return SPECIMENS.with_source(mapping=mapping_for)


def detecting(**changes: Any) -> Specimens:
    """Return a source whose detections have other members."""

    def wrap(step: Callable[[bytes], Any], event: bytes) -> Any:
        mapped = step(event)
        return json.dumps({**json.loads(mapped), **changes}).encode() if isinstance(mapped, bytes) else mapped

    return mapping(wrap)


def speaking(**changes: Any) -> Specimens:
    """Return a source whose API has other members."""
    return SPECIMENS.with_source(api=replace(GOOD.api, **changes))


def fetching(fetch: Callable[[Client, Any, Window], Iterator[Page]]) -> Specimens:
    """Return a source with another fetch, which always begins at page 1."""
    return SPECIMENS.with_source(fetch=lambda client, connector, window, _tokens: fetch(client, connector, window))


def strict_mapping(connector: Any, note: Note) -> Step:
    """Map events without any checks."""
    step = GOOD.mapping(connector, note)

    def to_detection(event: bytes) -> Any:
        fields = json.loads(event)
        assert fields["uuid"].strip()
        assert fields["actor"]["displayName"].strip()
        return step(event)

    return to_detection


def counting_mapping(connector: Any, note: Note) -> Step:
    """Map events, each to another id."""
    step, seen = GOOD.mapping(connector, note), iter(range(1_000_000))

    def to_detection(event: bytes) -> Any:
        mapped = step(event)
        return mapped.replace(b'"id":"', b'"id":"%d-' % next(seen)) if isinstance(mapped, bytes) else mapped

    return to_detection


def _header(client: Client) -> tuple[str, str]:
    return next(client.auth.flow(Request("GET", LOGS_PATH), 0.0)).header or ("", "")


def fetch_naively(client: Client, connector: Any, window: Window) -> Iterator[Page]:
    """Follow every link to any host, forever."""
    del connector
    first = client.get(LOGS_PATH, {"since": window.since.isoformat(), "until": window.until.isoformat(), "limit": 1000})
    url = find_link(first.headers.get("Link"), "next")
    while url is not None:
        response = client.session.get(url, headers=dict([_header(client)]), timeout=1)
        yield Page([json.dumps(event).encode() for event in response.json()])
        url = find_link(response.headers.get("Link"), "next")


def fetch_wider(client: Client, connector: Any, window: Window) -> Iterator[Page]:
    tick = timedelta(milliseconds=1)
    return GOOD.fetch(client, connector, Window(window.since, window.until + tick), ())


def fetch_first_page(client: Client, connector: Any, window: Window) -> Iterator[Page]:
    yield next(GOOD.fetch(client, connector, window, ()))


def fetch_with_line_breaks(client: Client, connector: Any, window: Window) -> Iterator[Page]:
    for page in GOOD.fetch(client, connector, window, ()):
        yield Page([json.dumps(json.loads(event), indent=2).encode() for event in page.events])


def fetch_something(client: Client, connector: Any, window: Window) -> Iterator[Page]:
    yield Page([b"{}"])
    yield from GOOD.fetch(client, connector, window, ())


def fetch_objects_only(client: Client, connector: Any, window: Window) -> Iterator[Page]:
    for page in GOOD.fetch(client, connector, window, ()):
        yield Page([event for event in page.events if event.startswith(b"{")])


def fetch_and_write(client: Client, connector: Any, window: Window) -> Iterator[Page]:
    client.session.post(client.base_url + LOGS_PATH, timeout=5)
    yield from GOOD.fetch(client, connector, window, ())


def fetch_from_page_one(client: Client, connector: Any, window: Window, tokens: Any = ()) -> Iterator[Page]:
    del tokens
    yield from GOOD.fetch(client, connector, window, ())


def fetch_changing(client: Client, connector: Any, window: Window) -> Iterator[Page]:
    for page in GOOD.fetch(client, connector, window, ()):
        yield Page([event.replace(b"{", b'{"asked":"%d",' % id(page), 1) for event in page.events])


def fetch_and_tell(client: Client, connector: Any, window: Window) -> Iterator[Page]:
    try:
        yield from GOOD.fetch(client, connector, window, ())
    except Exception as err:
        raise UnreadableAnswerError(f"{_header(client)}") from err


def fetch_outside_the_tree(client: Client, connector: Any, window: Window) -> Iterator[Page]:
    try:
        yield from GOOD.fetch(client, connector, window, ())
    except Exception as err:
        raise KeyError("data") from err


def raise_key_error(*_: Any) -> Any:
    raise KeyError("uuid")


BROKEN: dict[str, list[Specimens]] = {
    "test_source_is_registered_under_its_name": [
        speaking(about=replace(GOOD.api.about, title="Octa")),
        SPECIMENS.with_source(docs_url="http://example.com"),
    ],
    "test_the_form_offers_the_ways_to_sign_in": [
        speaking(sign_ins={"ssws": GOOD.api.sign_ins["ssws"]}),
        speaking(sign_ins=dict(reversed([*GOOD.api.sign_ins.items()]))),
    ],
    "test_codes_are_snake_case_and_have_a_sentence": [
        SPECIMENS.with_source(notes={"Odd-Code": "Words."}),
        SPECIMENS.with_source(issues={"issue": "no sentence"}),
    ],
    "test_questions_of_the_faq_are_those_of_its_codes": [
        SPECIMENS.with_source(faq={"never_given": "FAQ 2"}),
        SPECIMENS.with_source(faq={"missing_actor": "question 2"}),
    ],
    "test_personal_paths_spare_the_indicator": [
        SPECIMENS.with_source(personal=()),
        SPECIMENS.with_source(personal=("client", "client")),
        SPECIMENS.with_source(personal=("actor",)),
        SPECIMENS.with_source(shown=("client",)),
    ],
    "test_the_id_of_an_event_is_that_of_its_detection": [
        SPECIMENS.with_source(id_paths=("eventType",)),
        SPECIMENS.with_source(id_paths=()),
    ],
    "test_the_time_of_an_event_is_that_of_its_window": [SPECIMENS.with_source(time_path=lambda _: "uuid")],
    "test_every_drop_reason_can_be_given": [
        SPECIMENS.with_source(drop_reasons={**GOOD.drop_reasons, "never_given": "Never."}),
        filtering(lambda step, event: event),
    ],
    "test_every_issue_can_be_given": [
        SPECIMENS.with_source(issues={**GOOD.issues, "never_given": "Never."}),
        mapping(lambda step, event: event),
    ],
    "test_every_note_can_be_given": [
        SPECIMENS.with_source(notes={**GOOD.notes, "never_given": "Never."}),
        SPECIMENS.with_source(mapping=lambda connector, note: GOOD.mapping(connector, lambda _: None)),
    ],
    "test_no_other_code_is_given": [
        SPECIMENS.with_source(drop_reasons={}),
        SPECIMENS.with_source(issues={}),
        SPECIMENS.with_source(notes={}),
    ],
    "test_verdicts_name_the_event": [
        filtering(lambda step, event: step(event) if isinstance(step(event), bytes) else Dropped("missing_actor", "?"))
    ],
    "test_details_hold_nothing_of_the_event": [
        mapping(lambda step, event: Quarantined("missing_event_id", None, event.decode()))
    ],
    "test_kept_events_become_detections": [filtering(lambda step, event: Dropped("missing_actor", None))],
    "test_filter_passes_the_very_same_bytes": [
        filtering(lambda step, event: event.strip() if isinstance(step(event), bytes) else step(event))
    ],
    "test_detections_of_one_event_have_different_indicators": [
        mapping(lambda step, event: [step(event)] * 2 if isinstance(step(event), bytes) else step(event)),
        mapping(lambda step, event: []),
    ],
    "test_mapping_twice_gives_equal_output": [SPECIMENS.with_source(mapping=counting_mapping)],
    "test_steps_never_raise_on_any_bytes": [
        filtering(lambda step, event: step(json.dumps(json.loads(event)).encode())),
        filtering(raise_key_error),
        mapping(raise_key_error),
        filtering(lambda step, event: None),
    ],
    "test_steps_never_raise_on_any_json": [
        filtering(lambda step, event: (json.loads(event)["uuid"], step(event))[1]),
        SPECIMENS.with_source(mapping=strict_mapping),
    ],
    "test_a_missing_member_gives_a_detection_or_a_reason": [SPECIMENS.with_source(mapping=strict_mapping)],
    "test_a_replaced_member_gives_a_detection_or_a_reason": [
        SPECIMENS.with_source(mapping=strict_mapping),
        mapping(lambda step, event: event),
    ],
    "test_detections_meet_the_contract_of_the_validate_stage": [
        detecting(timestamp="2026-03-10T12:00:00"),
        detecting(mitre_codes=["T9999"]),
    ],
    "test_detections_meet_recorded_futures_models": [detecting(timestamp="noon"), detecting(ioc={"type": "email"})],
    "test_detections_meet_the_simulated_api": [detecting(timestamp="2026-03-10T12:00:00"), detecting(extra="member")],
    "test_window_is_half_open": [fetching(fetch_wider)],
    "test_paging_is_complete_and_in_order": [fetching(fetch_first_page)],
    "test_each_element_is_on_one_line": [fetching(fetch_with_line_breaks)],
    "test_an_empty_window_gives_no_events": [fetching(fetch_something)],
    "test_odd_elements_are_passed_on": [fetching(fetch_objects_only)],
    "test_only_reading_requests_are_sent": [fetching(fetch_and_write)],
    "test_a_foreign_host_gets_no_request": [fetching(fetch_naively)],
    "test_reading_continues_at_any_page": [fetching(fetch_from_page_one)],
    "test_a_repeated_cursor_is_refused": [fetching(fetch_naively)],
    "test_a_page_that_changes_nothing_twice_gives_equal_events": [fetching(fetch_changing)],
    "test_the_token_stays_out_of_errors": [fetching(fetch_and_tell), fetching(lambda *_: iter(()))],
    "test_errors_are_those_of_the_tree": [fetching(fetch_outside_the_tree), fetching(lambda *_: iter(()))],
    "test_the_check_distinguishes_a_good_token_from_a_bad_one": [
        speaking(check=lambda client: "all is well"),
        speaking(check=lambda client: ""),
    ],
    "test_any_error_body_is_explained": [
        speaking(vendor=replace(GOOD.api.vendor, explain=lambda body: str(json.loads(body)))),
        speaking(vendor=replace(GOOD.api.vendor, explain=json.loads)),
    ],
    "test_an_event_is_found_by_its_id": [
        SPECIMENS.with_source(find_event=lambda *_: None),
        SPECIMENS.with_source(find_event=lambda *_: b"{}"),
        replace(SPECIMENS, finds_by_id=False),
    ],
    "test_an_impossible_id_is_not_requested": [
        SPECIMENS.with_source(find_event=lambda client, *_: client.get(LOGS_PATH).body and None)
    ],
}


def test_every_check_has_a_source_that_fails_it() -> None:
    assert sorted(BROKEN) == CHECKS


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        pytest.param(check, broken, id=f"{check}-{number}")
        for check, sources in BROKEN.items()
        for number, broken in enumerate(sources)
    ],
)
def test_the_check_bites(check: str, broken: Specimens) -> None:
    contract = SourceContract()
    contract.specimens = broken
    with pytest.raises(AssertionError):
        getattr(contract, check)()
