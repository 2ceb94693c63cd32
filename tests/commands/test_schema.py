"""The schema beside connectors.yaml is the code's, and allows what the code allows."""

from __future__ import annotations

import json
from pathlib import Path

from ci_operators.commands.schema import build_schema, schema_text
from ci_operators.sources.registry import OPTIONS

SHIPPED = Path(__file__).parents[2] / "include" / "connectors.schema.json"


def test_the_shipped_schema_is_the_codes() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == schema_text()


def test_every_source_and_option_stands_in_it_with_words() -> None:
    definitions = build_schema()["$defs"]
    for model in OPTIONS.values():
        definition = definitions[model.__name__]
        assert set(definition["properties"]) == set(model.model_fields)
        assert definition["required"] == ["name", "source"]
        assert all(member.get("description") for name, member in definition["properties"].items() if name != "source")
        assert definition["properties"]["update_frequency"]["default"] == "30 minutes"


def test_the_text_is_json() -> None:
    assert json.loads(schema_text())["$schema"].startswith("https://json-schema.org/")
