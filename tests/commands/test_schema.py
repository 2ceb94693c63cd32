"""The schema beside connectors.yaml matches the code."""

from __future__ import annotations

import json

from ci_operators.commands.schema import build_schema, schema_text
from ci_operators.sources.registry import OPTIONS


def test_it_describes_every_source_and_option() -> None:
    definitions = build_schema()["$defs"]
    for model in OPTIONS.values():
        definition = definitions[model.__name__]
        assert set(definition["properties"]) == set(model.model_fields)
        assert definition["required"] == ["name", "source"]
        assert all(member.get("description") for name, member in definition["properties"].items() if name != "source")
        assert definition["properties"]["update_frequency"]["default"] == "30 minutes"


def test_the_text_is_json() -> None:
    assert json.loads(schema_text())["$schema"].startswith("https://json-schema.org/")
