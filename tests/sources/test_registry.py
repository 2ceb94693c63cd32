"""Sources by their names."""

from __future__ import annotations

import pytest

from ci_operators.sources import SOURCES
from ci_operators.sources.registry import OPTIONS, load_source


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_is_loaded_by_its_name(name: str) -> None:
    assert load_source(name).name == name
    assert OPTIONS[name].model_fields["source"].default == name
