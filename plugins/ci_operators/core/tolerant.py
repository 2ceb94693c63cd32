"""Reads a vendor's JSON object into a struct: fast if its members have the documented types, else tolerantly."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec

Shape = TypeVar("Shape", bound=msgspec.Struct)

_UNEXPECTED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def make_reader(shape: type[Shape]) -> Callable[[bytes], Shape | None]:
    """Return a function that reads a JSON text into `shape`, or returns None if the text is not a JSON object.

    Each member of `shape` is an optional text or struct, or a list of these. A value of another type is read as text if
    it is a plain value, else left out. The function never raises.
    """
    decode = msgspec.json.Decoder(shape).decode

    def read(text: bytes) -> Shape | None:
        try:
            return decode(text)
        except _UNEXPECTED:
            return _read_tolerantly(shape, text)

    return read


@cache
def make_path_reader(path: str) -> Callable[[bytes], str | None]:
    """Return a function that reads the member at a dotted path ("threatInfo.threatId") as text, None if missing."""
    names = path.split(".")
    shape: Any = str
    for name in reversed(names):
        shape = msgspec.defstruct("Part", [(name, shape | None, None)], frozen=True)
    read = make_reader(shape)

    def read_member(text: bytes) -> str | None:
        found: Any = read(text)
        for name in names:
            found = getattr(found, name, None)
        return None if found is None else str(found)

    return read_member


def _read_tolerantly(shape: type[Shape], text: bytes) -> Shape | None:
    """Return the struct, read with the standard library, which accepts lone surrogates, NaN and long numbers."""
    try:
        value = json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    fitted: Shape | None = _fit(_type_info(shape), value)
    return fitted


def _fit(kind: Any, value: Any) -> Any:
    """Return the value in the type that msgspec describes as `kind`, None if it does not fit."""
    from msgspec import inspect  # rarely needed

    if isinstance(kind, inspect.UnionType):
        kind = next(each for each in kind.types if not isinstance(each, inspect.NoneType))
    if isinstance(kind, inspect.StructType):
        if not isinstance(value, dict):
            return None
        return kind.cls(**{field.name: _fit(field.type, value.get(field.encode_name)) for field in kind.fields})
    if isinstance(kind, inspect.ListType):
        items = value if isinstance(value, list) else []
        fitted = (_fit(kind.item_type, item) for item in items)
        return [item for item in fitted if item is not None]
    return read_text(value)


def read_text(value: object) -> str | None:
    """Return a plain JSON value (text, number, boolean) as text, None for null, lists and objects."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate cannot be sent
    return str(value) if isinstance(value, int | float) else None


@cache
def _type_info(shape: type[msgspec.Struct]) -> Any:
    from msgspec import inspect

    return inspect.type_info(shape)
