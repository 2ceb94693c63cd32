"""Checks of JSON shapes, which name the place of the first mistake."""

from __future__ import annotations

from typing import Any

from simulator.recorded_future.refusals import refused


def require_object(value: Any, place: str, allowed: frozenset[str] | None) -> dict[str, Any]:
    """Return the object; refuse another type, and members that are not in the contract."""
    if not isinstance(value, dict):
        raise refused(400, f"{place}: must be an object")
    unknown = sorted(set(value) - allowed) if allowed is not None else []
    if unknown:
        raise refused(400, f"{place}.{unknown[0]}: unknown field")
    return value


def require_text(value: Any, place: str) -> str:
    """Return a string that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise refused(400, f"{place}: must be a non-empty string")
    return value


def check_optional_text(holder: dict[str, Any], name: str, place: str) -> None:
    """Refuse a member that is present but not a string."""
    if name in holder and not isinstance(holder[name], str):
        raise refused(400, f"{place}.{name}: must be a string")


def require_choice(value: Any, place: str, choices: tuple[str, ...]) -> str:
    """Return a string that is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise refused(400, f"{place}: must be one of {', '.join(choices)}")
    return value


def require_list(value: Any, place: str) -> list[Any]:
    """Return a list."""
    if not isinstance(value, list):
        raise refused(400, f"{place}: must be a list")
    return value


def require_boolean(holder: dict[str, Any], name: str, place: str, default: bool) -> bool:
    """Return a boolean member, or its default if absent."""
    value = holder.get(name, default)
    if not isinstance(value, bool):
        raise refused(400, f"{place}.{name}: must be a boolean")
    return value
