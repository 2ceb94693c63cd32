"""The reference page of options and codes matches the code."""

from __future__ import annotations

from ci_operators.commands.reference import reference_text
from ci_operators.sources.registry import OPTIONS, load_source


def test_it_has_every_option_and_code() -> None:
    page = reference_text()
    for name, model in OPTIONS.items():
        source = load_source(name)
        for word in (*model.model_fields, *source.drop_reasons, *source.issues, *source.notes):
            assert f"`{word}`" in page
