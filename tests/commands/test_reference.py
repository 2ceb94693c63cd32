"""The page of options and codes is the code's."""

from __future__ import annotations

from pathlib import Path

from ci_operators.commands.reference import reference_text
from ci_operators.sources.registry import OPTIONS, load_source

SHIPPED = Path(__file__).parents[2] / "docs" / "reference.md"


def test_the_shipped_page_is_the_codes() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == reference_text()


def test_every_option_and_code_stands_in_it() -> None:
    page = reference_text()
    for name, model in OPTIONS.items():
        source = load_source(name)
        for word in (*model.model_fields, *source.drop_reasons, *source.issues, *source.notes):
            assert f"`{word}`" in page
