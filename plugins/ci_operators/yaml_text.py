"""Reads YAML safely: only plain values, and no small text can exhaust the memory or the stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

#: The loader is recursive: in C, a stack overflow ends the process.
DEEPEST = 100
#: Aliases (*name) can expand to much more than the text: nine lines of ten aliases each are a billion values.
MOST_VALUES = 1_000_000

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DuplicateKeyError(ValueError):
    """A mapping has a key twice, and PyYAML would keep only the last of its values."""


def read_yaml(text: bytes) -> Any:
    """Return the value in the text, made of mappings, lists, texts, numbers and dates.

    Raises yaml.YAMLError for text that is not YAML, DuplicateKeyError for a key that a mapping has twice, ValueError
    for text that is nested too deep or expands to too much. PyYAML also raises LookupError, AttributeError, and
    RecursionError.
    """
    _Extent().measure(text)
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - both loaders are safe


@dataclass
class _Collection:
    """A list or a mapping that has not ended. lines: of a mapping's keys; is_key: whether a key comes next."""

    anchor: str | None
    values_before: int
    is_mapping: bool
    lines: dict[str, int] = field(default_factory=dict)
    is_key: bool = True

    def take(self, event: yaml.NodeEvent) -> None:
        """Add a member. Raises DuplicateKeyError for a repeated key, except `<<`, which can occur several times."""
        if self.is_mapping and self.is_key and isinstance(event, yaml.ScalarEvent) and event.value != "<<":
            line = event.start_mark.line + 1 if event.start_mark else 0
            if event.value in self.lines:
                raise DuplicateKeyError(
                    f"the key {event.value[:40]!r} is in line {self.lines[event.value]} and again in line {line}"
                )
            self.lines[event.value] = line
        self.is_key = not self.is_key


class _Extent:
    """Measures the depth of a text and the size of its expanded aliases from parser events, without recursion."""

    def __init__(self) -> None:
        self.anchors: dict[str, int] = {}
        self.open: list[_Collection] = []
        self.values = 0

    def measure(self, text: bytes) -> None:
        """Raise ValueError if the text is too deep or too large, or has a key twice."""
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.NodeEvent) and self.open:
                self.open[-1].take(event)
            if isinstance(event, yaml.CollectionEndEvent):
                ended = self.open.pop()
                self._name(ended.anchor, self.values - ended.values_before)
            elif isinstance(event, yaml.AliasEvent):
                self.values += self._find(str(event.anchor))
            elif isinstance(event, yaml.NodeEvent):
                self.values += 1
                if isinstance(event, yaml.CollectionStartEvent):
                    is_mapping = isinstance(event, yaml.MappingStartEvent)
                    self.open.append(_Collection(event.anchor, self.values - 1, is_mapping))
                else:
                    self._name(event.anchor, 1)
            if len(self.open) > DEEPEST:
                raise ValueError(f"it is nested deeper than {DEEPEST} levels")
            if self.values > MOST_VALUES:
                raise ValueError(f"its aliases expand to more than {MOST_VALUES} values")

    def _name(self, anchor: str | None, values: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = values

    def _find(self, anchor: str) -> int:
        if any(anchor == each.anchor for each in self.open):
            raise ValueError(f"the alias *{anchor[:40]} is inside the value that it refers to")
        return self.anchors.get(anchor, 1)
