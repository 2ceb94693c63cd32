"""`schema`: prints the JSON Schema of connectors.yaml, for editors."""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, create_model

from ci_operators.commands.terminal import Terminal
from ci_operators.connectors_file import ATTACK_TABLE
from ci_operators.core.connector import Destination, Retention
from ci_operators.core.duration import format_duration
from ci_operators.sources.registry import OPTIONS


def schema_text() -> str:
    """Return the schema as text; the same options always give the same text."""
    return json.dumps(build_schema(), indent=2) + "\n"


def build_schema() -> dict[str, Any]:
    """Return the JSON Schema of the file. The source of an entry determines its options."""
    entry: Any = Annotated[reduce(or_, OPTIONS.values()), Field(discriminator="source")]
    entries = Field(description="One entry for each connector.")
    budgets: Any = Field(default_factory=dict, description="The budgets of Recorded Future Connections, by their ids.")
    members: dict[str, Any] = {
        "connectors": (list[entry], entries),
        "destinations": (dict[str, Destination], budgets),
        "retention": (Retention, Field(default_factory=Retention)),
        "attack_table": (str, Field(default="", description=ATTACK_TABLE)),
    }
    file = create_model("ConnectorsFile", __config__={"extra": "forbid"}, **members)
    schema = TypeAdapter(file).json_schema()
    models: list[type[BaseModel]] = [*OPTIONS.values(), Retention]
    for model in models:
        _mend_defaults(schema["$defs"][model.__name__], model)
    for options in OPTIONS.values():
        _mend_source(schema["$defs"][options.__name__])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "description": _ABOUT}


def _mend_defaults(definition: dict[str, Any], model: type[BaseModel]) -> None:
    """Replace the defaults of durations by their text in connectors.yaml."""
    for name, field in model.model_fields.items():
        if isinstance(field.default, timedelta):
            definition["properties"][name]["default"] = format_duration(field.default)


def _mend_source(definition: dict[str, Any]) -> None:
    """Require name and source, and remove the defaults that depend on the source."""
    del definition["properties"]["source"]["default"], definition["properties"]["source_conn_id"]["default"]
    definition["required"] = ["name", "source"]


_ABOUT = "Collective Insights connectors. Made by: python -m ci_operators schema"


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Print it."""
    del options
    terminal.console.file.write(schema_text())
    return 0
