"""Reads the connectors file: include/connectors.yaml, or the file in COLLECTIVE_INSIGHTS_CONFIG."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from ci_operators.attack import use_edition
from ci_operators.core.connector import Connector, Destination, Retention
from ci_operators.core.duration import format_duration
from ci_operators.core.errors import ConfigurationError
from ci_operators.core.text import clean_text
from ci_operators.sources.registry import OPTIONS
from ci_operators.yaml_text import DuplicateKeyError, read_yaml

VARIABLE = "COLLECTIVE_INSIGHTS_CONFIG"
#: The description of attack_table in the schema and the reference.
ATTACK_TABLE = "A file that attack-table wrote: an edition of ATT&CK that replaces the shipped one. Relative path."
#: In addition to YAMLError, PyYAML raises these for a date like 2026-13-45, "!!timestamp x" or deep nesting.
_NO_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError)
_DEFAULT = Path(__file__).resolve().parents[2] / "include" / "connectors.yaml"


@dataclass(frozen=True)
class ConnectorsFile:
    """The content of the connectors file. problems: a sentence for each wrong entry.

    A wrong `retention` is None, so nothing is deleted. Connectors of a destination with a wrong budget are left out.
    names: of all entries, including wrong ones; None for an entry without a readable name.
    """

    connectors: list[Connector] = field(default_factory=list)
    destinations: dict[str, Destination] = field(default_factory=dict)
    retention: Retention | None = None
    problems: list[str] = field(default_factory=list)
    names: set[str | None] = field(default_factory=set)

    def destination(self, conn_id: str) -> Destination:
        """Return the budget of a Recorded Future Connection, the default one if the file has none."""
        return self.destinations.get(conn_id, Destination())

    @property
    def ledger_memory(self) -> timedelta:
        """Return how long the ledger remembers what was delivered."""
        return (self.retention or Retention()).ledger


def connectors_path() -> Path:
    """Return the path of the file in use."""
    return Path(os.environ.get(VARIABLE) or _DEFAULT)


def load_connectors(path: Path | None = None, *, only: str | None = None) -> ConnectorsFile:
    """Return the content of the file. A wrong entry adds a problem, and does not affect other connectors.

    only: the name of the only connector to read; the entries of others are not checked.
    Raises ConfigurationError if the file as a whole cannot be read.
    """
    path = path or connectors_path()
    content = _read_file(path)
    found, names = _read_retention(content.get("retention") or {}, path, ConnectorsFile()), set[str]()
    wrong_destinations = _read_destinations(content.get("destinations") or {}, path, found)
    _choose_attack_edition(content.get("attack_table"), path, found)
    for number, entry in enumerate(content["connectors"], start=1):
        if only is not None and _name_of(entry) != only:
            continue
        found.names.add(_name_of(entry))
        where = f"{path}: connectors[{number}]{_show_name(entry)}"
        try:
            connector = _read_entry(entry, path)
        except ValidationError as err:
            found.problems.extend(f"{where}: {problem}" for problem in _describe(err))
            continue
        except ConfigurationError as err:
            found.problems.append(f"{where}: {err}")
            continue
        if connector.name in names:
            found.problems.append(f"{where}: name: {connector.name!r} is taken by an entry above; names are unique.")
            continue
        names.add(connector.name)
        problem = _find_conflict(connector, found, wrong_destinations)
        if problem:
            found.problems.append(f"{where}: {problem}")
        else:
            found.connectors.append(connector)
    return found


def _find_conflict(connector: Connector, found: ConnectorsFile, wrong_destinations: set[str]) -> str | None:
    """Return the sentence on why a valid entry does not fit the rest of the file, None if it does."""
    if connector.destination_conn_id in wrong_destinations:
        return f"destination_conn_id: the budget of {connector.destination_conn_id} under destinations is wrong."
    if connector.reads_back > found.ledger_memory:
        return (
            f"reads back {format_duration(connector.reads_back)}, further than the ledger's memory "
            f"({format_duration(found.ledger_memory)}): shorten it, or lengthen retention: ledger."
        )
    return None


def parse_early() -> None:
    """Parse the file in use before forking, so that the forked processes need not do it unless the file changes.

    Errors are ignored here: `load_connectors` raises them.
    """
    with suppress(ConfigurationError):
        _read_file(connectors_path())


@lru_cache(maxsize=1)
def _parse(text: bytes) -> Any:
    return read_yaml(text)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        content = _parse(path.read_bytes())
    except OSError as err:
        raise ConfigurationError(f"{path}: cannot be read ({err.strerror}). Set {VARIABLE} to another file.") from err
    except DuplicateKeyError as err:
        raise ConfigurationError(f"{path}: {err}: only one of them can count. Join them, or delete one.") from err
    except _NO_YAML as err:
        raise ConfigurationError(f"{path}: is not valid YAML: {' '.join(str(err).split()).rstrip('.')}.") from err
    known = {"connectors", "destinations", "retention", "attack_table"}
    if not isinstance(content, dict) or not isinstance(content.get("connectors"), list) or not set(content) <= known:
        raise ConfigurationError(
            f'{path}: must contain "connectors", a list of entries. It can also contain "destinations" and '
            '"retention", which are mappings, and "attack_table", a path.'
        )
    return content


def _choose_attack_edition(entry: Any, path: Path, found: ConnectorsFile) -> None:
    """Use the file's edition of ATT&CK in this process, or the shipped one if that is not valid."""
    try:
        if not isinstance(entry, str | None):
            raise ConfigurationError("attack_table is not a path.")
        use_edition(path.parent / entry if entry else None)
    except ConfigurationError as err:
        found.problems.append(f"{path}: {err} Until then, the shipped table is used: newer techniques have no code.")


def _read_destinations(entries: Any, path: Path, found: ConnectorsFile) -> set[str]:
    """Read the budgets into `found`; return the Connections whose budget is wrong."""
    wrong = set[str]()
    if not isinstance(entries, dict):
        found.problems.append(f"{path}: destinations: must map Connections to their budget.")
        return wrong
    for conn_id, entry in entries.items():
        try:
            found.destinations[str(conn_id)] = Destination.model_validate(entry)
        except ValidationError as err:
            found.problems.extend(
                f"{path}: destinations.{clean_text(str(conn_id)[:80])}: {problem}" for problem in _describe(err)
            )
            wrong.add(str(conn_id))
    return wrong


def _read_retention(entry: Any, path: Path, found: ConnectorsFile) -> ConnectorsFile:
    try:
        return replace(found, retention=Retention.model_validate(entry))
    except ValidationError as err:
        found.problems.extend(f"{path}: retention: {problem}" for problem in _describe(err))
        return found


def _read_entry(entry: Any, path: Path) -> Connector:
    if not isinstance(entry, dict):
        raise ConfigurationError("must be a mapping of options, such as {name: okta, source: okta}.")
    options = OPTIONS.get(source) if isinstance(source := entry.get("source"), str) else None
    if options is None:
        raise ConfigurationError(
            f"source: {_shorten(entry.get('source'))} is not allowed; allowed: {', '.join(OPTIONS)}."
        )
    connector = options.model_validate(entry)
    return connector.resolve_paths(path.parent)


def _name_of(entry: Any) -> str | None:
    name = entry.get("name") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else None


def _show_name(entry: Any) -> str:
    name = _name_of(entry)
    return "" if name is None else f" ({clean_text(name[:80])})"


def _describe(error: ValidationError) -> Iterator[str]:
    problems = error.errors(include_url=False)
    places = [problem["loc"] for problem in problems]
    for problem in problems:
        place = problem["loc"]
        if any(other[: len(place)] == place and other != place for other in places if place):
            continue  # pydantic also reports a list with wrong items as too short
        option = clean_text(".".join(map(str, problem["loc"]))[:80]) or "entry"
        if problem["type"] == "missing":
            yield f"{option}: is missing."
        elif problem["type"] == "extra_forbidden":
            known = ", ".join(_known_options(error.title))
            yield f"{option}: there is no such option; allowed: {known}."
        else:
            yield f"{option}: {_shorten(problem['input'])} is not allowed: {_allowed(problem)}."


def _known_options(title: str) -> list[str]:
    models: list[type[BaseModel]] = [*OPTIONS.values(), Destination, Retention]
    return next(sorted(model.model_fields) for model in models if model.__name__ == title)


def _allowed(problem: Mapping[str, Any]) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
