"""A source is a folder and its name in SOURCES; nobody knows it by another way."""

from __future__ import annotations

from pathlib import Path

import grimp

import ci_operators.sources
from ci_operators.sources import SOURCES, load_about, name_ids


def test_every_folder_is_a_registered_source() -> None:
    folders = Path(ci_operators.sources.__file__).parent.glob("*/source.py")
    assert {path.parent.name for path in folders} == set(SOURCES)


def test_ids_are_called_what_each_source_calls_them() -> None:
    assert "Okta's uuid, SentinelOne's threat id" in name_ids()
    assert all(load_about(name).event_id in name_ids() for name in SOURCES)


def test_no_source_imports_another_and_nobody_imports_one_but_by_its_name() -> None:
    graph = grimp.build_graph("ci_operators")
    for name in SOURCES:
        folder = f"ci_operators.sources.{name}"
        members = {folder, *graph.find_descendants(folder)}
        importers = {each for member in members for each in graph.find_modules_that_directly_import(member)}
        assert importers <= members
