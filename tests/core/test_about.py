"""A vendor's name in the names of its classes."""

from __future__ import annotations

import pytest

from ci_operators.core.about import About


@pytest.mark.parametrize(
    ("title", "name"), [("SentinelOne", "SentinelOne"), ("Microsoft Defender XDR", "MicrosoftDefenderXDR")]
)
def test_a_title_begins_the_names_of_classes(title: str, name: str) -> None:
    assert About(title, ("URL", ""), ("Token", ""), "https://acme.example").class_name == name
