"""A source is a folder and its name in SOURCES; there is no other reference to it."""

from __future__ import annotations

from pathlib import Path

import grimp

import ci_operators.sources
from ci_operators.sources import SOURCES, load_about, name_ids


def test_every_folder_is_a_registered_source() -> None:
    folders = Path(ci_operators.sources.__file__).parent.glob("*/source.py")
    assert {path.parent.name for path in folders} == set(SOURCES)


def test_ids_have_the_name_that_the_source_uses() -> None:
    assert "Okta's uuid" in name_ids()
    assert "SentinelOne's threat id" in name_ids()
    assert all(load_about(name).event_id in name_ids() for name in SOURCES)


def test_sources_are_imported_only_by_their_registered_name() -> None:
    graph = grimp.build_graph("ci_operators")
    for name in SOURCES:
        folder = f"ci_operators.sources.{name}"
        members = {folder, *graph.find_descendants(folder)}
        importers = {each for member in members for each in graph.find_modules_that_directly_import(member)}
        assert importers <= members
