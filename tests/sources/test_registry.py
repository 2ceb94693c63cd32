"""All sources by name."""

from __future__ import annotations

from pathlib import Path

import pytest

import ci_operators.sources
from ci_operators.sources.registry import OPTIONS, load_source


@pytest.mark.parametrize("name", OPTIONS)
def test_a_source_is_loaded_by_its_name(name: str) -> None:
    assert load_source(name).name == name
    assert OPTIONS[name].model_fields["source"].default == name


def test_every_folder_is_a_registered_source() -> None:
    folders = Path(ci_operators.sources.__file__).parent.glob("*/source.py")
    assert {path.parent.name for path in folders} == set(OPTIONS)
