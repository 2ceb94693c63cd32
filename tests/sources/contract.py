"""The requirements for every source. A source inherits the suite in one line:

    class TestOkta(SourceContract):
        specimens = SPECIMENS

Every check takes only `self`, so that `test_contract_bites` can run each one with a source that is built to fail it.
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ci_operators.attack import attack_table
from ci_operators.core.errors import CollectiveInsightsError, CredentialsError, RequestRefusedError
from ci_operators.core.verdict import Quarantined
from ci_operators.core.window import Window
from ci_operators.sources import load_about
from ci_operators.sources.registry import OPTIONS, load_source
from ci_operators.stages.contract import contract_for
from simulator.exchange import RefusalError
from simulator.recorded_future.entry_rules import check_entry
from simulator.vendors import KINDS
from tests.psengine_models import is_accepted_by_psengine
from tests.sources.json_members import damaged, json_values, keys_of, paths_of, texts_of, with_member, without
from tests.sources.specimens import Outcome, Specimen, Specimens, Wire, run_steps, wired
from tests.virtual_time import NOON

#: The window that the checks read. At some sources it is longer than one request can cover.
WINDOW = Window(NOON - timedelta(hours=3), NOON)
#: The values that replace a member, one after the other.
REPLACEMENTS: tuple[Any, ...] = (None, 0, -1.5, True, "", "x", [], [None], {}, {"x": 1}, "y" * 1_000_000, "\ud800")
#: More pages than the events of any check fill, so a source that requests more is in an endless loop.
ENOUGH_PAGES = 20
#: The size limit of a detection for any event: the longest names and reasons are cut.
MAX_DETECTION_BYTES = 20_000
TOLD_LENGTH = 6
#: Values that are not an event of any source.
ODD_TEXTS = (b"", b"[]", b"7", b"\xff", b"[" * 100_000)
ERROR_KEYS = ["error", "error_description", "errors", "code", "title", "errorCode", "errorCauses", "errorSummary"]


class SourceContract:
    """The checks. `specimens`: the source and events of it."""

    specimens: Specimens

    # --- the declarations of the source

    def test_source_is_registered_under_its_name(self) -> None:
        source = self.specimens.source
        assert source.name in OPTIONS
        assert load_source(source.name).name == source.name
        about = load_about(source.name)
        assert source.api.about is about
        assert source.title == source.api.vendor.title
        assert source.docs_url.startswith("https://support.recordedfuture.com/")
        assert about.url_example.startswith("https://")
        assert about.event_id

    def test_the_form_offers_the_ways_to_sign_in(self) -> None:
        api = self.specimens.source.api
        auth = api.about.fields.get("auth")
        words = list(auth.choices) if auth else [next(iter(api.sign_ins))]
        assert words == list(api.sign_ins)
        assert auth is None or auth.default == words[0]

    def test_codes_are_snake_case_and_have_a_sentence(self) -> None:
        source = self.specimens.source
        for code, words in {**source.drop_reasons, **source.issues, **source.notes}.items():
            assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", code), code
            assert words.endswith("."), f"{code}: {words!r} is not a sentence"

    def test_questions_of_the_faq_are_those_of_its_codes(self) -> None:
        source = self.specimens.source
        assert set(source.faq) <= {*source.drop_reasons, *source.issues, *source.notes}
        for question in source.faq.values():
            assert re.fullmatch(r"FAQ \d+[a-z]?", question), question

    def test_personal_paths_spare_the_indicator(self) -> None:
        personal = self.specimens.source.personal
        assert personal
        assert len(set(personal)) == len(personal)
        assert not {path.rpartition(".")[2] for path in personal} & set(self.specimens.source.shown)
        for detection in self._detections():
            field = str(json.loads(detection)["ioc"]["field"])
            hidden = [path for path in personal if field == path or field.startswith(f"{path}.")]
            assert not hidden, f"{hidden} hides the indicator's field {field}"

    def test_the_id_of_an_event_is_that_of_its_detection(self) -> None:
        source = self.specimens.source
        for specimen in self.specimens.all:
            assert source.read_id(specimen.text) == self.specimens.read_id(specimen.event)
        for odd in ODD_TEXTS:
            assert source.read_id(odd) is None

    def test_the_time_of_an_event_is_that_of_its_window(self) -> None:
        source, connector = self.specimens.source, self.specimens.connector()
        event = json.dumps(self.specimens.make_event(WINDOW.since, 1)).encode()
        assert source.read_time(connector, event) == WINDOW.since
        for odd in (*ODD_TEXTS, b"{}"):
            assert source.read_time(connector, odd) is None

    # --- codes

    def test_every_drop_reason_can_be_given(self) -> None:
        assert set(self.specimens.dropped) == set(self.specimens.source.drop_reasons)
        for reason, specimen in self.specimens.dropped.items():
            assert [verdict.reason for verdict in self._run(specimen).verdicts if hasattr(verdict, "reason")] == [
                reason
            ]

    def test_every_issue_can_be_given(self) -> None:
        assert set(self.specimens.quarantined) == set(self.specimens.source.issues)
        for issue, specimen in self.specimens.quarantined.items():
            given_issues = [verdict.issue for verdict in self._run_both(specimen) if isinstance(verdict, Quarantined)]
            assert issue in given_issues, f"{issue} is not given by its specimen"

    def test_every_note_can_be_given(self) -> None:
        assert set(self.specimens.noted) == set(self.specimens.source.notes)
        for note, specimen in self.specimens.noted.items():
            outcome = self._run(specimen)
            assert note in outcome.notes, f"{note} is not given by its specimen"
            assert outcome.detections, "a noted record goes on"

    def test_no_other_code_is_given(self) -> None:
        for specimen in self.specimens.all:
            self._check_codes(self._run(specimen))

    def test_verdicts_name_the_event(self) -> None:
        for specimen in (*self.specimens.dropped.values(), *self.specimens.quarantined.values()):
            event_id = self.specimens.read_id(specimen.event)
            for verdict in self._run(specimen).verdicts:
                assert verdict.event_id == event_id, f"{verdict} does not name the event {event_id}"

    def test_details_hold_nothing_of_the_event(self) -> None:
        for specimen in self.specimens.quarantined.values():
            told = {text for text in texts_of(specimen.event) if len(text) >= TOLD_LENGTH}
            for verdict in self._run(specimen).verdicts:
                detail = getattr(verdict, "detail", "")
                assert not any(text in detail for text in told), f"{detail!r} has a text of the event"

    # --- steps

    def test_kept_events_become_detections(self) -> None:
        for story, specimen in self.specimens.kept.items():
            outcome = self._run(specimen)
            assert outcome.detections, f"{story}: {outcome.verdicts}"

    def test_filter_passes_the_very_same_bytes(self) -> None:
        for specimen in self.specimens.kept.values():
            text = b" " + specimen.text.replace(b'": ', b'" :  ')
            assert run_steps(self.specimens.source, self.specimens.connector(specimen.options), text).filtered == text

    def test_detections_of_one_event_have_different_indicators(self) -> None:
        for specimen in self.specimens.all:
            outcome = self._run(specimen)
            found = [json.loads(detection)["ioc"] for detection in outcome.detections]
            assert len({(ioc["type"], ioc["value"]) for ioc in found}) == len(found)
            assert found or outcome.verdicts, "an event went without a reason"

    def test_mapping_twice_gives_equal_output(self) -> None:
        source = self.specimens.source
        for specimen in self.specimens.kept.values():
            connector = self.specimens.connector(specimen.options)
            step = source.mapping(connector, lambda _: None)
            first, second, other = step(specimen.text), step(specimen.text), self._run(specimen).mapped
            assert first == second == other

    def test_steps_never_raise_on_any_bytes(self) -> None:
        source, connector = self.specimens.source, self.specimens.connector()

        @settings(max_examples=150)
        @given(st.binary() | st.sampled_from([s.text for s in self.specimens.kept.values()]).flatmap(damaged))
        def check(event: bytes) -> None:
            self._check_codes(run_steps(source, connector, event))
            _run_mapping_alone(source, connector, event)

        check()

    def test_steps_never_raise_on_any_json(self) -> None:
        source, connector = self.specimens.source, self.specimens.connector()
        keys = sorted({key for specimen in self.specimens.kept.values() for key in keys_of(specimen.event)})

        @settings(max_examples=150)
        @given(json_values(keys))
        def check(event: Any) -> None:
            text = json.dumps(event).encode()
            self._check_codes(run_steps(source, connector, text))
            _run_mapping_alone(source, connector, text)

        check()

    def test_a_missing_member_gives_a_detection_or_a_reason(self) -> None:
        for specimen in self.specimens.kept.values():
            for path in paths_of(specimen.event):
                self.check_outcome(specimen, without(specimen.event, path))

    def test_a_replaced_member_gives_a_detection_or_a_reason(self) -> None:
        for specimen in self.specimens.kept.values():
            for path in paths_of(specimen.event):
                for value in REPLACEMENTS:
                    self.check_outcome(specimen, with_member(specimen.event, path, value))

    # --- detections

    def test_detections_meet_the_contract_of_the_validate_stage(self) -> None:
        validate = contract_for(attack_table())
        for detection in self._detections():
            assert validate(detection) == detection

    def test_detections_meet_recorded_futures_models(self) -> None:
        for detection in self._detections():
            assert is_accepted_by_psengine(detection), detection

    def test_detections_meet_the_simulated_api(self) -> None:
        for detection in self._detections():
            try:
                check_entry(json.loads(detection), "data[0]")
            except RefusalError as refusal:
                raise AssertionError(refusal.reply.body) from refusal

    # --- fetching

    def test_window_is_half_open(self) -> None:
        tick = timedelta(milliseconds=1)
        instants = [WINDOW.since - tick, WINDOW.since, WINDOW.until - tick, WINDOW.until]
        events = [self.specimens.make_event(instant, number) for number, instant in enumerate(instants)]
        with wired(self.specimens, events) as wire:
            wire.time.sleep(60)  # the last event has happened too
            assert self._ids(self._fetch(wire)) == self._ids(_encoded(events[1:3]))

    def test_paging_is_complete_and_in_order(self) -> None:
        pace = (WINDOW.until - WINDOW.since) / 1400
        instants = [WINDOW.since + pace * (number // 2) for number in range(2500)]  # always two at the same time
        events = [self.specimens.make_event(instant, number) for number, instant in enumerate(instants)]
        with wired(self.specimens, events) as wire:
            assert self._ids(self._fetch(wire)) == self._ids(_encoded(events))

    def test_each_element_is_on_one_line(self) -> None:
        event = self.specimens.make_event(WINDOW.since, 1)
        with wired(self.specimens, [json.dumps(event, indent=2).encode()]) as wire:
            (element,) = self._fetch(wire)
        assert b"\n" not in element
        assert json.loads(element) == event

    def test_an_empty_window_gives_no_events(self) -> None:
        with wired(self.specimens) as wire:
            assert self._fetch(wire) == []

    def test_odd_elements_are_passed_on(self) -> None:
        odd: list[Any] = [7, "text", None, [1]]
        with wired(self.specimens, odd) as wire:
            assert [json.loads(element) for element in self._fetch(wire)] == odd

    def test_only_reading_requests_are_sent(self) -> None:
        with wired(self.specimens, [self.specimens.make_event(WINDOW.since, 1)]) as wire:
            with suppress(Exception):  # with any outcome, since only the sent requests count
                self._fetch(wire)
            written = {path for method, path in wire.session.asked if method != "GET"}
            assert written <= {self.specimens.token_path, *self.specimens.reading_posts}
            assert wire.session.asked

    def test_a_foreign_host_gets_no_request(self) -> None:
        with wired(self.specimens, self._many_events()) as wire:
            if self.specimens.case.name in KINDS["foreign_next_link"]:
                wire.simulator.add_fault(self.specimens.case.name, "foreign_next_link")
            with suppress(Exception):  # as above
                self._fetch(wire)
            assert wire.session.hosts == {wire.simulator.url.removeprefix("http://")}
            assert len(wire.session.sent) > 1

    def test_reading_continues_at_any_page(self) -> None:
        with wired(self.specimens, self._many_events()) as wire:
            pages = list(islice(self._pages(wire), ENOUGH_PAGES))
            tokens = [page.token for page in pages if page.token]
            assert len(tokens) == len(pages) - 1 > 0
            for read in range(1, len(pages)):
                left = [event for page in pages[read:] for event in page.events]
                assert self._fetch(wire, tokens[:read]) == left

    def test_a_repeated_cursor_is_refused(self) -> None:
        if self.specimens.case.name not in KINDS["repeated_cursor"]:
            return  # the vendor gives no cursors
        with wired(self.specimens, self._many_events()) as wire:
            wire.simulator.add_fault(self.specimens.case.name, "repeated_cursor", count=100)
            try:
                pages = list(islice(self._pages(wire), ENOUGH_PAGES))
            except CollectiveInsightsError:
                return
        raise AssertionError(f"went round for {len(pages)} pages")

    def test_a_page_that_changes_nothing_twice_gives_equal_events(self) -> None:
        with wired(self.specimens, self._many_events()) as wire:
            assert self._fetch(wire) == self._fetch(wire)

    def test_the_token_stays_out_of_errors(self) -> None:
        for kind, status in (("status", 401), ("status", 404), ("status", 429), ("html_200", 200), ("empty_body", 200)):
            with wired(self.specimens) as wire:
                wire.simulator.add_fault(self.specimens.case.name, kind, status=status, count=100)
                told = self._told_by_failing(wire)
            assert told, f"{kind} {status} went unnoticed"
            assert self.specimens.case.token not in told

    def test_errors_are_those_of_the_tree(self) -> None:
        for kind in ("status", "html_200", "empty_body", "truncated_json", "drop_connection"):
            with wired(self.specimens, [self.specimens.make_event(WINDOW.since, 1)]) as wire:
                wire.simulator.add_fault(self.specimens.case.name, kind, count=100)
                try:
                    self._fetch(wire)
                except CollectiveInsightsError:
                    continue
                except Exception as err:
                    raise AssertionError(f"{kind} gave {err!r}") from err
            raise AssertionError(f"{kind} went unnoticed")

    def test_the_check_distinguishes_a_good_token_from_a_bad_one(self) -> None:
        with wired(self.specimens) as wire:
            assert self.specimens.source.api.check(wire.client)
            assert len([path for _, path in wire.session.asked if path != self.specimens.token_path]) == 1
        for token in (self.specimens.case.token_without_right, "0123456789abcdef"):
            with wired(self.specimens, token=token) as wire:
                try:
                    sentence = self.specimens.source.api.check(wire.client)
                except CredentialsError:
                    continue
                raise AssertionError(f"a wrong token passes: {sentence}")

    def test_any_error_body_is_explained(self) -> None:
        explain = self.specimens.source.api.vendor.explain

        @given(st.binary() | json_values(ERROR_KEYS).map(lambda value: json.dumps(value).encode()))
        def check(body: bytes) -> None:
            try:
                said = explain(body)
            except Exception as err:
                raise AssertionError(f"explaining raised {err!r} on {body[:200]!r}") from err
            assert isinstance(said, str)

        check()

    # --- looking for one event

    def test_an_event_is_found_by_its_id(self) -> None:
        if not self.specimens.finds_by_id:
            self._check_that_it_says_so()
            return
        source, connector = self.specimens.source, self.specimens.connector()
        events = [self.specimens.make_event(WINDOW.since - timedelta(days=20), number) for number in range(2)]
        with wired(self.specimens, events) as wire:
            for event in events:
                found = source.find_event(wire.client, connector, str(self.specimens.read_id(event)), wire.time())
                assert json.loads(found or b"null") == event
            assert source.find_event(wire.client, connector, "99", wire.time()) is None

    def test_an_impossible_id_is_not_requested(self) -> None:
        with wired(self.specimens, self._many_events()[:1]) as wire:
            for odd in ("", "a b", "1,2", "\\", 'x" or id pr', "1" * 101):
                with nullcontext() if self.specimens.finds_by_id else suppress(RequestRefusedError):
                    assert self._find(wire, odd) is None
            assert not wire.session.sent

    def _check_that_it_says_so(self) -> None:
        with wired(self.specimens) as wire:
            try:
                self._find(wire, "99")
            except RequestRefusedError:
                assert not wire.session.sent
                return
        raise AssertionError("it looks for an event though it cannot")

    # --- helpers of the checks

    def _find(self, wire: Wire, event_id: str) -> bytes | None:
        return self.specimens.source.find_event(wire.client, self.specimens.connector(), event_id, wire.time())

    def _run(self, specimen: Specimen) -> Outcome:
        return run_steps(self.specimens.source, self.specimens.connector(specimen.options), specimen.text)

    def _run_both(self, specimen: Specimen) -> list[Any]:
        """Return the verdicts of both steps, each called alone, since the filter hides some events from the mapping."""
        source, connector = self.specimens.source, self.specimens.connector(specimen.options)
        return [source.criteria(connector)(specimen.text), source.mapping(connector, lambda _: None)(specimen.text)]

    def _check_codes(self, outcome: Outcome) -> None:
        source = self.specimens.source
        for verdict in outcome.verdicts:
            if isinstance(verdict, Quarantined):
                assert verdict.issue in source.issues, verdict
            else:
                assert verdict.reason in source.drop_reasons, verdict
        assert set(outcome.notes) <= set(source.notes)

    def check_outcome(self, specimen: Specimen, event: Any) -> None:
        outcome = self._run(replace(specimen, event=event))
        self._check_codes(outcome)
        for detection in outcome.detections:
            assert contract_for(attack_table())(detection) == detection
            assert len(detection) < MAX_DETECTION_BYTES

    def _detections(self) -> list[bytes]:
        return [detection for specimen in self.specimens.all for detection in self._run(specimen).detections]

    def _many_events(self) -> list[dict[str, Any]]:
        pace = (WINDOW.until - WINDOW.since) / 2000
        return [self.specimens.make_event(WINDOW.since + pace * number, number) for number in range(1500)]

    def _pages(self, wire: Wire, tokens: Sequence[str] = ()) -> Iterator[Any]:
        return self.specimens.source.fetch(wire.client, self.specimens.connector(), WINDOW, tokens)

    def _fetch(self, wire: Wire, tokens: Sequence[str] = ()) -> list[bytes]:
        pages = list(islice(self._pages(wire, tokens), ENOUGH_PAGES))
        assert len(pages) < ENOUGH_PAGES, "the pages do not end"
        return [event for page in pages for event in page.events]

    def _told_by_failing(self, wire: Wire) -> str:
        """Return everything that a log could show of the error of fetching, "" if it succeeds."""
        try:
            self._fetch(wire)
        except Exception as err:
            return f"{err} {err!r} {''.join(traceback.format_exception(err))}"
        return ""

    def _ids(self, events: list[bytes]) -> list[str | None]:
        return [self.specimens.read_id(json.loads(event)) for event in events]


def _run_mapping_alone(source: Any, connector: Any, event: bytes) -> None:
    """Map an event that the filter would have dropped."""
    try:
        source.mapping(connector, lambda _: None)(event)
    except Exception as err:
        raise AssertionError(f"the mapping raised {err!r} on {event[:200]!r}") from err


def _encoded(events: list[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(event).encode() for event in events]
