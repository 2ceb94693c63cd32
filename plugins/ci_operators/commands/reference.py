"""`reference`: what can be set and what can be met, as a page. docs/reference.md is this."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ci_operators.commands.terminal import Terminal
from ci_operators.core.connector import Connector, Destination, Retention
from ci_operators.core.duration import format_duration
from ci_operators.sources.registry import OPTIONS, load_source
from ci_operators.stages.account import DROP_REASONS
from ci_operators.stages.account import ISSUES as SUBMIT_ISSUES
from ci_operators.stages.contract import ISSUES as CONTRACT_ISSUES


def reference_text() -> str:
    """Return the page, the same for the same code."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterable[str]:
    yield "# Reference"
    yield ""
    yield "Made by `python -m ci_operators reference`; a test holds this page against the code."
    yield from _options("Options of every connector", Connector, leave_out=())
    yield from _options("Options of a destination (`destinations:`, by Connection)", Destination, leave_out=())
    yield from _options("How long things are kept (`retention:`)", Retention, leave_out=())
    for name, model in OPTIONS.items():
        source = load_source(name)
        yield from _options(f"Options of a connector with `source: {name}`", model, Connector.model_fields)
        yield from _codes(f"Why an event of {source.title} is dropped", "reason", source.drop_reasons, faq=source.faq)
        yield from _codes(f"Why an event of {source.title} is quarantined", "issue", source.issues)
        yield from _codes(
            f"What is noted of an event of {source.title} that goes on", "note", source.notes, faq=source.faq
        )
    yield from _codes("Why a detection is quarantined by validate", "issue", CONTRACT_ISSUES)
    yield from _codes("Why submit does not send a detection", "reason", DROP_REASONS)
    yield from _codes("Why a detection is quarantined by submit", "issue", SUBMIT_ISSUES)
    for name in OPTIONS:
        for title, load_rows in load_source(name).tables.items():
            yield from _codes(title, "phrase", load_rows(), "code")


def _options(title: str, model: type[BaseModel], leave_out: Iterable[str]) -> Iterable[str]:
    yield from _head(title, "option", "default", "meaning")
    for name, field in model.model_fields.items():
        if name not in leave_out:
            yield f"| `{name}` | {_default(name, field)} | {field.description}{_choices(field)} |"


def _codes(
    title: str, code: str, words: Mapping[str, str], meaning: str = "meaning", faq: Mapping[str, str] | None = None
) -> Iterable[str]:
    yield from _head(title, code, meaning)
    for name, text in words.items():
        question = (faq or {}).get(name)
        yield f"| `{name}` | {text}{f' ({question})' if question else ''} |"


def _head(title: str, *columns: str) -> Iterable[str]:
    yield from ("", f"## {title}", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|")


def _default(name: str, field: FieldInfo) -> str:
    if name == "source_conn_id":
        return "`<source>_default`"
    if field.is_required():
        return "(required)"
    value = field.default
    if isinstance(value, timedelta):
        return f"`{format_duration(value)}`"
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, tuple):
        return f"`[{', '.join(value)}]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _choices(field: FieldInfo) -> str:
    if get_origin(field.annotation) is not Literal or len(get_args(field.annotation)) < 2:
        return ""
    return f" One of {', '.join(f'`{choice}`' for choice in get_args(field.annotation))}."


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Print it."""
    del options
    terminal.console.file.write(reference_text())
    return 0
