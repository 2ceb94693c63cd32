"""YAML that a person wrote, read safely: plain values alone, and no small text that takes the process down."""

from __future__ import annotations

from typing import Any

import yaml

#: What makes values of a text calls itself for each level: in C it ends the process when its stack is full.
DEEPEST = 100
#: Aliases (*name) may stand for much more text than there is: nine lines of ten aliases each are a billion values.
MOST_VALUES = 1_000_000

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: bytes) -> Any:
    """Return what the text holds: mappings, lists, texts, numbers, dates.

    Raises yaml.YAMLError for what is no YAML, ValueError for what is nested too deep or too much when written out;
    PyYAML lets LookupError, AttributeError and RecursionError through too.
    """
    _Extent().measure(text)
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - both loaders are the safe one


class _Extent:
    """How deep a text is, and how much its aliases stand for: from the parser's events, which need no stack."""

    def __init__(self) -> None:
        self.anchors: dict[str, int] = {}
        self.open: list[tuple[str | None, int]] = []
        self.values = 0

    def measure(self, text: bytes) -> None:
        """Raise ValueError if it is too deep or too much."""
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionEndEvent):
                anchor, before = self.open.pop()
                self._name(anchor, self.values - before)
            elif isinstance(event, yaml.AliasEvent):
                self.values += self._find(str(event.anchor))
            elif isinstance(event, yaml.NodeEvent):
                self.values += 1
                if isinstance(event, yaml.CollectionStartEvent):
                    self.open.append((event.anchor, self.values - 1))
                else:
                    self._name(event.anchor, 1)
            if len(self.open) > DEEPEST:
                raise ValueError(f"it is nested deeper than {DEEPEST} levels")
            if self.values > MOST_VALUES:
                raise ValueError(f"its aliases stand for more than {MOST_VALUES} values")

    def _name(self, anchor: str | None, values: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = values

    def _find(self, anchor: str) -> int:
        if any(anchor == name for name, _ in self.open):
            raise ValueError(f"the alias *{anchor[:40]} stands inside of what it names")
        return self.anchors.get(anchor, 1)
