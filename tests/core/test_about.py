"""A vendor's name in the names of its classes."""

from __future__ import annotations

import pytest

from ci_operators.core.about import About


@pytest.mark.parametrize(
    ("title", "name"), [("SentinelOne", "SentinelOne"), ("Microsoft Defender XDR", "MicrosoftDefenderXDR")]
)
def test_class_names_begin_with_the_title(title: str, name: str) -> None:
    assert About(title, ("URL", ""), ("Token", ""), "https://acme.example").class_name == name
