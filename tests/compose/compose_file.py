"""The part of the Compose Specification that docker-compose.yaml uses, read as an engine would.

Understood: `${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `$$` in values (no nesting, no other operators: they
are refused), YAML's anchors and merge keys, environments as maps, commands as lists, health checks, conditions,
profiles.
Not understood, since the file does not use them: several files, `extends`, `env_file`, `include`, secrets, configs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yaml"
_DOLLAR = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_]\w*)(?::(?P<operator>[-?])(?P<word>[^{}]*))?\}|(?P<wrong>))"
)
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class MissingVariableError(Exception):
    """A required variable is not set; the message is the file's own."""


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Return a value with its variables filled in."""

    def fill(found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        name = found["name"]
        if name is None:
            raise ValueError(f"{text!r} has a $ that begins no variable")
        given = variables.get(name, "")
        if not given and found["operator"] == "?":
            raise MissingVariableError(f"required variable {name} is missing a value: {found['word']}")
        return given or (found["word"] or "")

    return _DOLLAR.sub(fill, text)


def load(variables: Mapping[str, str], file: Path = FILE) -> dict[str, Any]:
    """Return the file's content with its variables filled in, anchors and merges resolved."""

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: walk(value) for key, value in node.items()}
        if isinstance(node, list):
            return [walk(value) for value in node]
        return interpolate(node, variables) if isinstance(node, str) else node

    filled: dict[str, Any] = walk(yaml.safe_load(file.read_text(encoding="utf-8")))
    for entry in filled["services"].values():  # where the specification wants a number, a filled in text becomes one
        if "deploy" in entry:
            entry["deploy"]["replicas"] = int(entry["deploy"]["replicas"])
    return filled


def seconds(text: str) -> float:
    """Return a duration like 1m30s in seconds."""
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smh])", text))


@dataclass(frozen=True)
class HealthCheck:
    """The health check of a service."""

    argv: tuple[str, ...]
    interval_s: float
    timeout_s: float
    retries: int
    start_period_s: float

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> HealthCheck:
        """Return the check of a service's entry."""
        kind, *rest = entry["test"]
        argv = ("/bin/sh", "-c", rest[0]) if kind == "CMD-SHELL" else tuple(rest)
        times = [seconds(entry[name]) for name in ("interval", "timeout", "start_period")]
        return cls(argv, times[0], times[1], entry["retries"], times[2])


@dataclass(frozen=True)
class Service:
    """One service, as far as a local process can run it."""

    name: str
    image: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    health: HealthCheck | None
    conditions: Mapping[str, str]
    restart: str
    profiles: Sequence[str]
    grace_s: float

    @classmethod
    def read(cls, name: str, entry: Mapping[str, Any]) -> Service:
        """Return the service of an entry."""
        return cls(
            name=name,
            image=entry["image"],
            argv=(*entry.get("entrypoint", ()), *entry.get("command", ())),
            environment={key: str(value) for key, value in entry.get("environment", {}).items()},
            health=HealthCheck.read(entry["healthcheck"]) if "healthcheck" in entry else None,
            conditions={other: wanted["condition"] for other, wanted in entry.get("depends_on", {}).items()},
            restart=entry["restart"],
            profiles=entry.get("profiles", ()),
            grace_s=seconds(entry.get("stop_grace_period", "10s")),
        )


def services(variables: Mapping[str, str]) -> dict[str, Service]:
    """Return all services of the file."""
    return {name: Service.read(name, entry) for name, entry in load(variables)["services"].items()}


def required(file: Path = FILE) -> set[str]:
    """Return the variables that are required to start."""
    return {found["name"] for found in _DOLLAR.finditer(file.read_text(encoding="utf-8")) if found["operator"] == "?"}
