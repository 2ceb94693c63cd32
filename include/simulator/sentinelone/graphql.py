"""GraphQL as far as connectors use it: a query with one root field and all values in variables, checked by a schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.exchange import RefusalError, json_reply

_TOKEN: Final = re.compile(r"[A-Za-z_]\w*|[$!(){}:\[\]]|(?P<other>[^\s,])", re.ASCII)
_SCALARS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "Boolean": bool, "ID": (str, int), "Int": int, "Long": int, "String": str,
}  # fmt: skip

#: Members of a selection; None: a plain value.
Selection = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Schema:
    """objects: type -> member -> its type, "" for a plain value. arguments: of the root fields. inputs: input types."""

    objects: Mapping[str, Mapping[str, str]]
    arguments: Mapping[str, Mapping[str, str]]
    inputs: Mapping[str, Mapping[str, str]]
    enums: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Query:
    """A valid query: its root field, the values of the arguments, and the selected members."""

    root: str
    arguments: Mapping[str, Any]
    selection: Selection


def refuse(message: str, classification: str = "ValidationError") -> RefusalError:
    """Return the refusal of a query, which has status 200 in GraphQL."""
    error = {"message": message, "locations": [], "extensions": {"classification": classification}}
    return RefusalError(json_reply(200, {"errors": [error], "data": None}))


def read_query(schema: Schema, text: str, variables: Mapping[str, Any]) -> Query:
    """Return a query of the schema; refuse any other."""
    tokens = _Tokens(text)
    declared = tokens.read_head()
    root, passed, selection = tokens.read_root()
    known = schema.arguments.get(root)
    if known is None:
        raise refuse(f"Validation error (FieldUndefined@[{root}]) : Field '{root}' in type 'Query' is undefined")
    for name, variable in passed.items():
        if name not in known:
            raise refuse(f"Validation error (UnknownArgument@[{root}]) : Unknown field argument '{name}'")
        if declared.get(variable, "").removesuffix("!") != known[name].removesuffix("!"):
            raise refuse(
                f"Validation error (VariableTypeMismatch@[{root}]) : Variable '{variable}' does not fit '{name}'"
            )
    _check_selection(schema, schema.objects["Query"][root], selection, root)
    arguments = {name: variables.get(variable) for name, variable in passed.items()}
    for name, kind in known.items():
        _check_value(schema, kind, arguments.get(name), name)
    return Query(root, arguments, selection)


def project(selection: Selection | None, value: Any) -> Any:
    """Return the selected members of a value. A value that is not an object stays unchanged."""
    if selection is None or value is None:
        return value
    if isinstance(value, list):
        return [project(selection, item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: project(selection[name], member) for name, member in value.items() if name in selection}


class _Tokens:
    def __init__(self, text: str) -> None:
        found = list(_TOKEN.finditer(text))
        if any(match["other"] for match in found):
            raise refuse("Invalid syntax: this simulator takes no literals; use variables", "InvalidSyntax")
        self._left = [match[0] for match in reversed(found)]

    def take(self, *expected: str) -> str:
        token = self._left.pop() if self._left else "<EOF>"
        if expected and token not in expected:
            raise refuse(f"Invalid syntax with offending token '{token}'", "InvalidSyntax")
        return token

    def is_next(self, token: str) -> bool:
        return bool(self._left) and self._left[-1] == token

    def read_head(self) -> dict[str, str]:
        """Return the declared variables with their types."""
        self.take("query")
        declared: dict[str, str] = {}
        if not self.is_next("(") and not self.is_next("{"):
            self.take()  # the query's name
        if self.is_next("("):
            self.take("(")
            while not self.is_next(")"):
                self.take("$")
                name, _, declared[name] = self.take(), self.take(":"), self.read_type()
            self.take(")")
        return declared

    def read_type(self) -> str:
        text = self.take()
        if text == "[":
            text = f"[{self.read_type()}{self.take(']')}"
        return text + self.take("!") if self.is_next("!") else text

    def read_root(self) -> tuple[str, dict[str, str], Selection]:
        """Return the root field, its arguments with their variables, and its selection."""
        self.take("{")
        root, passed = self.take(), dict[str, str]()
        if self.is_next("("):
            self.take("(")
            while not self.is_next(")"):
                name, _, _, passed[name] = self.take(), self.take(":"), self.take("$"), self.take()
            self.take(")")
        selection = self.read_selection()
        self.take("}")
        self.take("<EOF>")
        return root, passed, selection

    def read_selection(self) -> Selection:
        self.take("{")
        selection: Selection = {}
        while not self.is_next("}"):
            name = self.take()
            selection[name] = self.read_selection() if self.is_next("{") else None
        self.take("}")
        return selection


def _check_selection(schema: Schema, kind: str, selection: Selection, path: str) -> None:
    for name, members in selection.items():
        place, found = f"{path}/{name}", schema.objects[kind].get(name)
        if found is None:
            raise refuse(f"Validation error (FieldUndefined@[{place}]) : Field '{name}' in type '{kind}' is undefined")
        if found and members is None:
            raise refuse(
                f"Validation error (SubselectionRequired@[{place}]) : Subselection required for type '{found}'"
            )
        if not found and members is not None:
            raise refuse(f"Validation error (SubselectionNotAllowed@[{place}]) : Subselection not allowed on leaf type")
        if members is not None:
            _check_selection(schema, found, members, place)


def _check_value(schema: Schema, kind: str, value: Any, name: str) -> None:
    if value is None:
        if kind.endswith("!"):
            raise refuse(f"Variable '{name}' has an invalid value: must not be null")
        return
    kind = kind.removesuffix("!")
    if kind.startswith("["):
        for item in value if isinstance(value, list) else [value]:
            _check_value(schema, kind[1:-1], item, name)
    elif kind in schema.inputs:
        members = schema.inputs[kind]
        if not isinstance(value, dict) or value.keys() - members.keys():
            raise refuse(f"Variable '{name}' has an invalid value: not of type '{kind}'")
        for member, member_kind in members.items():
            _check_value(schema, member_kind, value.get(member), f"{name}.{member}")
    elif not _is_plain(schema, kind, value):
        raise refuse(f"Variable '{name}' has an invalid value: Invalid input for '{kind}'")


def _is_plain(schema: Schema, kind: str, value: Any) -> bool:
    """Return whether a value is one of an enumeration or a scalar type."""
    if kind in schema.enums:
        return value in schema.enums[kind]
    return isinstance(value, _SCALARS[kind]) and (kind == "Boolean" or not isinstance(value, bool))
