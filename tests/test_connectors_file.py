"""connectors.yaml: an error is one sentence and does not affect other connectors."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ci_operators import connectors_file
from ci_operators.attack import attack_edition, attack_table, shipped_edition
from ci_operators.attack.edition import Content, write_content
from ci_operators.connectors_file import VARIABLE, connectors_path, load_connectors, parse_early
from ci_operators.core.errors import ConfigurationError
from ci_operators.sources import SOURCES
from ci_operators.sources.okta.options import OktaConnector
from ci_operators.sources.registry import OPTIONS
from ci_operators.sources.sentinelone.options import SentinelOneConnector
from ci_operators.yaml_text import read_yaml

GOOD: list[Any] = [{"name": "before", "source": "okta"}, {"name": "after", "source": "sentinelone"}]


KEYS = st.sampled_from(["name", "source", "debug", "batch_size"]) | st.text(max_size=3)
ODD_ENTRIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)


def write(directory: Path, *entries: Any) -> Path:
    path = directory / "connectors.yaml"
    path.write_text(yaml.safe_dump({"connectors": list(entries)}), encoding="utf-8")
    return path


def entry(source: Any = "okta", **options: Any) -> dict[str, Any]:
    return {"name": "acme", "source": source, **options}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (entry(frequency="1 hour"), ["(acme): frequency: there is no such option; allowed: ", "update_frequency"]),
        (entry(only_analyst_verified=True), ["only_analyst_verified: there is no such option", "private_addresses"]),
        (entry("sentinelone", private_addresses="drop"), ["private_addresses: there is no such option"]),
        (entry("splunk"), [f"source: 'splunk' is not allowed; allowed: {', '.join(SOURCES)}."]),
        (entry(source=["okta"]), [f"source: ['okta'] is not allowed; allowed: {', '.join(SOURCES)}."]),
        ({"name": "acme"}, [f"source: None is not allowed; allowed: {', '.join(SOURCES)}."]),
        ({"source": "okta"}, ["connectors[2]: name: is missing"]),
        (entry(debug="no"), ["debug: 'no' is not allowed", "valid boolean"]),
        (entry(batch_size="many"), ["batch_size: 'many' is not allowed", "valid integer"]),
        (entry(batch_size=0), ["batch_size: 0 is not allowed", "greater than or equal to 1"]),
        (entry(name="Acme Inc."), ["name: 'Acme Inc.' is not allowed", "pattern"]),
        (entry(name=7), ["connectors[2]: name: 7 is not allowed", "valid string"]),
        (entry(name="before"), ["(before): name: 'before' is taken by an entry above; names are unique"]),
        (entry("sentinelone", name="before"), ["name: 'before' is taken by an entry above"]),
        (entry(update_frequency="often"), ["update_frequency: 'often' is not allowed", "30 minutes"]),
        (entry(update_frequency=30), ["update_frequency: 30 is not allowed", "30 minutes"]),
        (entry(update_frequency="10 seconds"), ["update_frequency: '10 seconds' is not allowed", "at least 1 minute"]),
        (entry(name="maintenance"), ["name: 'maintenance' is not allowed", "collective_insights_maintenance"]),
        (entry(initial_import="91 days"), ["initial_import: '91 days' is not allowed", "at most 90 days"]),
        (entry("sentinelone", verified_floor="399.995 days"), ["further than the ledger's memory (400 days)"]),
        (entry(max_window="10 minutes"), ["max_window (10 minutes) must not be shorter than update_frequency"]),
        (entry(organization_ids=["acme"]), ["organization_ids.0: 'acme' is not allowed", "uhash:"]),
        (entry(organization_ids="uhash:a"), ["organization_ids: 'uhash:a' is not allowed", "valid tuple"]),
        (entry(private_addresses="hide"), ["private_addresses: 'hide' is not allowed", "'send' or 'drop'"]),
        (
            entry("sentinelone", verified_verdicts=["false_positive"]),
            ["verified_verdicts.0: 'false_positive' is not allowed", "'true_positive' or 'suspicious'"],
        ),
        (entry("sentinelone", verified_verdicts=[]), ["verified_verdicts: [] is not allowed", "at least 1 item"]),
        (entry("sentinelone", site_ids=["north"]), ["site_ids.0: 'north' is not allowed", "pattern"]),
        (entry("sentinelone", detection_time="now"), ["detection_time: 'now' is not allowed", "'identified_at'"]),
        (entry(source_conn_id=""), ["source_conn_id: '' is not allowed"]),
        ({**entry(), "debug ": True}, ["debug : there is no such option"]),
        ({"name": "acme", "source": "okta", 7: 8}, ["7: "]),
        ("acme", ["connectors[2]: must be a mapping of options"]),
        (None, ["connectors[2]: must be a mapping of options"]),
        (["name", "acme"], ["connectors[2]: must be a mapping of options"]),
    ],
)
def test_a_wrong_entry_is_one_sentence_and_the_others_load(wrong: Any, told: list[str], tmp_path: Path) -> None:
    path = write(tmp_path, GOOD[0], wrong, GOOD[1])
    found = load_connectors(path)
    (problem,) = found.problems
    assert problem.startswith(f"{path}: connectors[2]")
    assert problem.endswith(".")
    assert not problem.endswith("..")
    for words in told:
        assert words in problem
    assert [connector.name for connector in found.connectors] == ["before", "after"]


def test_several_mistakes_of_an_entry_are_a_sentence_each(tmp_path: Path) -> None:
    found = load_connectors(write(tmp_path, entry(debug="no", batch_size=0)))
    assert [problem.split(": ")[2] for problem in found.problems] == ["debug", "batch_size"]


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    (problem,) = load_connectors(write(tmp_path, entry(debug="x" * 1_000_000))).problems
    assert len(problem) < 1000


def test_the_value_of_an_unknown_option_is_not_repeated(tmp_path: Path) -> None:
    (problem,) = load_connectors(write(tmp_path, entry(password="hunter2"))).problems
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", 'must contain "connectors"'),
        (b"[]", 'must contain "connectors"'),
        (b"connectors:", 'must contain "connectors"'),
        (b"connectors: {}", 'must contain "connectors"'),
        (b"connectors: []\nconnector: []", 'must contain "connectors"'),
        (
            b"connectors:\n  - {name: a, source: okta}\n\nconnectors:\n  - {name: b, source: okta}\n",
            "the key 'connectors' is in line 1 and again in line 4: only one of them can count",
        ),
        (
            b"connectors:\n  - name: a\n    debug: true\n    'debug': false",
            "'debug' is in line 3 and again in line 4",
        ),
        (b"connectors: [", "is not valid YAML"),
        (b"connectors: []\n\tx: 1", "is not valid YAML"),
        (b"\xff\xfe\xfd", "is not valid YAML"),
        (b"connectors: !!python/object/apply:os.system ['true']", "is not valid YAML"),
        (b"connectors: [!!python/name:os.system ]", "is not valid YAML"),
        (b"connectors: [{name: 2026-13-45}]", "is not valid YAML"),
        (b"connectors: [!!timestamp noon]", "is not valid YAML"),
        (b"connectors: [!!int '']", "is not valid YAML"),
        (b"connectors: [!!bool maybe]", "is not valid YAML"),
        (b"connectors: " + b"[" * 10_000, "is not valid YAML"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_with_its_name(content: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "connectors.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=told) as caught:
        load_connectors(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named_with_the_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=rf"cannot be read \(No such file or directory\)\. Set {VARIABLE}"):
        load_connectors(tmp_path / "connectors.yaml")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_connectors(tmp_path)


@given(ODD_ENTRIES)
def test_any_entry_is_a_connector_or_a_problem(tmp_path_factory: pytest.TempPathFactory, wrong: Any) -> None:
    found = load_connectors(write(tmp_path_factory.mktemp("any"), GOOD[0], wrong))
    assert found.connectors[0].name == "before"
    assert len(found.connectors) == 2 or found.problems


def test_a_file_without_connectors_has_none(tmp_path: Path) -> None:
    found = load_connectors(write(tmp_path))
    assert (found.connectors, found.problems) == ([], [])


def test_destinations_have_their_own_problems(tmp_path: Path) -> None:
    path = tmp_path / "connectors.yaml"
    path.write_text("connectors: []\ndestinations: {rf: {wrong: 1}}\n", encoding="utf-8")
    (problem,) = load_connectors(path).problems
    assert problem.startswith(f"{path}: destinations.rf: wrong: there is no such option; allowed: ")
    path.write_text("connectors: []\ndestinations: {rf: {daily_limit: 100}}\n", encoding="utf-8")
    found = load_connectors(path)
    assert found.problems == []
    assert (found.destination("rf").daily_limit, found.destination("other").daily_limit) == (100, 15_000)
    path.write_text("connectors: []\ndestinations: [rf]\n", encoding="utf-8")
    (problem,) = load_connectors(path).problems
    assert problem == f"{path}: destinations: must map Connections to their budget."


def test_an_entry_has_every_option_of_its_source(tmp_path: Path) -> None:
    okta = entry(name="okta-emea", private_addresses="drop", outcome_reasons_file="reasons.csv", max_window="2 days")
    threats = entry("sentinelone", name="s1", only_analyst_verified=True, false_positives="drop", site_ids=["1"])
    first, second = load_connectors(write(tmp_path, okta, threats)).connectors
    assert isinstance(first, OktaConnector)
    assert first.outcome_reasons_file == str(tmp_path / "reasons.csv")
    assert first.source_conn_id == "okta_default"
    assert isinstance(second, SentinelOneConnector)
    assert (second.only_analyst_verified, second.false_positives, second.site_ids) == (True, "drop", ("1",))
    assert second.for_run({"only_analyst_verified": False}).only_analyst_verified is False


def test_the_variable_names_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, GOOD[0])
    monkeypatch.setenv(VARIABLE, str(path))
    assert connectors_path() == path
    assert [connector.name for connector in load_connectors().connectors] == ["before"]


def test_the_shipped_file_is_valid_and_starts_in_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    found = load_connectors()
    assert found.problems == []
    assert {connector.source for connector in found.connectors} == set(OPTIONS)
    assert all(connector.debug for connector in found.connectors)


def write_whole(directory: Path, **content: Any) -> Path:
    path = directory / "connectors.yaml"
    path.write_text(yaml.safe_dump({"connectors": GOOD, **content}), encoding="utf-8")
    return path


def test_budgets_and_retention_are_read(tmp_path: Path) -> None:
    budgets = {"recorded_future_default": {"daily_limit": 5000, "reserved_share": 0.5}}
    found = load_connectors(write_whole(tmp_path, destinations=budgets, retention={"ledger": "500 days"}))
    assert found.problems == []
    assert found.destination("recorded_future_default").limit_for_bulk == 2500
    assert found.destination("another").daily_limit == 15_000
    assert found.ledger_memory == timedelta(days=500)


def test_a_wrong_retention_deletes_nothing(tmp_path: Path) -> None:
    wrong = {"artifacts": "900 days", "ledger": "30 days"}
    found = load_connectors(write_whole(tmp_path, retention=wrong))
    assert found.retention is None
    assert [connector.name for connector in found.connectors] == ["before", "after"]
    assert len(found.problems) == 1
    assert "retention: ledger: '30 days' is not allowed: at least 365 days" in found.problems[0]


def test_connectors_of_a_wrong_budget_are_left_out(tmp_path: Path) -> None:
    other = {"name": "other", "source": "okta", "destination_conn_id": "other_default"}
    path = write_whole(tmp_path, connectors=[*GOOD, other], destinations={"other_default": {"daily_limit": "5000"}})
    found = load_connectors(path)
    assert [connector.name for connector in found.connectors] == ["before", "after"]
    assert "destinations.other_default: daily_limit: '5000' is not allowed" in found.problems[0]
    assert "(other): destination_conn_id: the budget of other_default under destinations is wrong" in found.problems[1]


def test_budgets_that_are_not_a_mapping_are_named(tmp_path: Path) -> None:
    found = load_connectors(write_whole(tmp_path, destinations=["recorded_future_default"]))
    assert found.problems == [f"{tmp_path / 'connectors.yaml'}: destinations: must map Connections to their budget."]


@pytest.mark.parametrize(
    "wrong", [entry(name="a\0b"), entry(**{"a\0b": 1}), entry({"x": "\0" * 900}), entry(**{"x\n" * 900: 1})]
)
def test_a_problem_is_one_line_that_a_database_takes(tmp_path: Path, wrong: Any) -> None:
    (problem,) = load_connectors(write(tmp_path, wrong)).problems[:1]
    assert problem.isprintable()
    assert len(problem) < 1000
    path = write_whole(tmp_path, destinations={"a\0b": {"daily_limit": 0}})
    assert all(problem.isprintable() for problem in load_connectors(path).problems)


@given(
    entries=st.lists(
        ODD_ENTRIES | st.sampled_from([*GOOD, entry(), entry(debug="no"), entry("sentinelone")]), max_size=6
    )
)
def test_one_connector_is_found_as_among_all(tmp_path_factory: pytest.TempPathFactory, entries: list[Any]) -> None:
    path = write(tmp_path_factory.mktemp("one"), *entries)
    every = load_connectors(path)
    for name in ("before", "after", "acme", "absent"):
        one = load_connectors(path, only=name)
        assert one.connectors == [connector for connector in every.connectors if connector.name == name]
        assert set(one.problems) <= set(every.problems)


def test_a_file_parsed_early_is_parsed_again_only_after_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, parsed = write(tmp_path, *GOOD), list[bytes]()
    monkeypatch.setenv(VARIABLE, str(path))
    parse_early()

    def note_and_read(text: bytes) -> Any:
        parsed.append(text)
        return read_yaml(text)

    monkeypatch.setattr(connectors_file, "read_yaml", note_and_read)
    assert len(load_connectors().connectors) == 2
    assert parsed == []
    write(tmp_path, *GOOD, entry())
    assert len(load_connectors().connectors) == 3
    assert len(parsed) == 1


def test_a_missing_file_can_be_parsed_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "absent.yaml"))
    parse_early()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_connectors()


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("[a, b]", "attack_table is not a path. Until then, the shipped table is used: newer techniques have no code."),
        ("absent.json", "absent.json is not a table of ATT&CK ([Errno 2] No such file or directory"),
        ("connectors.yaml", "connectors.yaml is not a table of ATT&CK (Expecting value"),
    ],
)
def test_a_wrong_attack_table_is_a_problem_and_the_connectors_load(entry: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "connectors.yaml"
    path.write_text(f"connectors:\n  - {{name: okta, source: okta}}\nattack_table: {entry}\n", encoding="utf-8")
    found = load_connectors(path)
    assert [each.name for each in found.connectors] == ["okta"]
    assert len(found.problems) == 1
    assert problem in found.problems[0]
    assert attack_edition() is shipped_edition()


def test_a_file_without_an_attack_table_restores_the_shipped_one(tmp_path: Path) -> None:
    write_content(Content("19.0", {"T9999": ("New", [])}, {}, {}), tmp_path / "attack.json")
    path = tmp_path / "connectors.yaml"
    path.write_text("connectors: []\nattack_table: attack.json\n", encoding="utf-8")
    assert load_connectors(path).problems == []
    assert "T9999" in attack_table().codes
    path.write_text("connectors: []\n", encoding="utf-8")
    load_connectors(path)
    assert attack_edition() is shipped_edition()
