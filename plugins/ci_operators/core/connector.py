"""A connector's options: the fields of the Integration Center's form, and more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from ci_operators.core.duration import format_duration, read_duration

#: Whether to send events of little value that the documented criteria do not exclude.
Policy = Literal["send", "drop"]

#: Prefix of the ids of all DAGs of this project, and of their folders in the staging area.
DAG_PREFIX = "collective_insights_"
#: Names that a connector cannot have, because other DAGs of this project have them.
RESERVED_NAMES = frozenset({"maintenance"})

SLUG = r"^[a-z0-9]+([_-][a-z0-9]+)*$"
#: Import path of a class or function: package.module.Name.
IMPORT_PATH = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$"


def _at_least_a_minute(duration: timedelta) -> timedelta:
    if duration < timedelta(minutes=1) or duration % timedelta(seconds=1):
        raise ValueError("at least 1 minute, in whole seconds")
    return duration


def _at_least_a_year(duration: timedelta) -> timedelta:
    if duration < timedelta(days=365):
        raise ValueError("at least 365 days: a detection that the ledger no longer knows could be sent again")
    return duration


def _not_negative(duration: timedelta) -> timedelta:
    if duration < timedelta(0):
        raise ValueError("at least 0")
    return duration


_DURATION_SCHEMA = WithJsonSchema(
    {"type": "string", "pattern": r"^\d{1,6}(\.\d{1,3})?\s*([Ss]ec(ond)?|[Mm]in(ute)?|[Hh]our|[Dd]ay)s?$"}
)
Pause = Annotated[
    timedelta,
    BeforeValidator(read_duration),
    AfterValidator(_not_negative),
    _DURATION_SCHEMA,
]
Duration = Annotated[Pause, AfterValidator(_at_least_a_minute), _DURATION_SCHEMA]


class Connector(BaseModel):
    """The options of every connector; a source adds its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    #: Options that the trigger form can replace for one run, in addition to `debug`.
    run_options: ClassVar[tuple[str, ...]] = ()

    #: How long the source keeps its events, None if forever; it can answer a request for older ones with an error.
    source_keeps: ClassVar[timedelta | None] = None

    name: str = Field(
        pattern=SLUG,
        max_length=80,
        description="Connector Name: lowercase letters, digits, single _ or -. The DAG is collective_insights_<name>.",
    )
    source: str = Field(description="The kind of security tool.")
    source_conn_id: str = Field(
        default="", min_length=1, description="Airflow Connection of the tool. Default: <source>_default."
    )
    destination_conn_id: str = Field(
        default="recorded_future_default", min_length=1, description="Airflow Connection of Recorded Future."
    )
    update_frequency: Duration = Field(
        default=timedelta(minutes=30), description="Connector Update Frequency: time between two runs."
    )
    initial_import: Duration = Field(
        default=timedelta(days=1), description="Detections Created Last: how far the first run looks back."
    )
    max_window: Duration = Field(
        default=timedelta(days=1),
        description="Longest window of one run. Initial import, catch-up, and backfills are cut into such windows.",
    )
    publication_delay: Pause = Field(
        default=timedelta(minutes=1),
        description="How long a source takes to publish an event. A run starts this long after the end of its window.",
    )
    debug: bool = Field(default=True, description="Dry run: Recorded Future checks the detections and stores nothing.")
    organization_ids: tuple[Annotated[str, Field(pattern=r"^uhash:\w+$")], ...] = Field(
        default=(),
        strict=False,
        description="Recorded Future sub-organizations (uhash:...). None: all that the token's user belongs to.",
    )
    ledger_conn_id: str = Field(
        default="collective_insights_ledger",
        min_length=1,
        description="Airflow Connection of the ledger (PostgreSQL). Live connectors need it.",
    )
    overlap: Pause = Field(
        default=timedelta(minutes=10),
        description="How far a live scheduled run reads back into the previous window, for events published late.",
    )
    unknown_policy: Literal["resend", "hold"] = Field(
        default="resend",
        description="What to do with a detection that may have arrived if the search endpoint cannot tell.",
    )
    unknown_resends: int = Field(
        default=1,
        ge=0,
        le=10,
        description="With unknown_policy resend: how often a detection is sent again before it is held.",
    )
    send_transient_id: bool = Field(
        default=False,
        description="Give each detection an id, so that the answer to a submission can name the dropped ones.",
    )
    batch_size: int = Field(default=100, ge=1, le=1000, description="Maximum number of detections in one submission.")
    parallel_requests: int = Field(
        default=5, ge=1, le=10, description="Maximum number of submissions in flight at the same time."
    )
    deadline: Duration | None = Field(
        default=None,
        description="Alert if a run has not succeeded this long after Airflow queued it. Backfills have no deadline.",
    )
    notify: Mapping[Annotated[str, Field(pattern=IMPORT_PATH)], Mapping[str, Any]] = Field(
        default={},
        description="Who gets an alert when a task fails for good or a run misses its deadline: import paths of "
        "Airflow notifiers (or functions that take the context), each with its arguments. No secrets: notifiers have "
        "Airflow Connections.",
    )

    @model_validator(mode="before")
    @classmethod
    def _name_source_connection(cls, entry: Any) -> Any:
        if isinstance(entry, dict) and "source_conn_id" not in entry and isinstance(entry.get("source"), str):
            return {**entry, "source_conn_id": f"{entry['source']}_default"}
        return entry

    @field_validator("name")
    @classmethod
    def _is_not_reserved(cls, name: str) -> str:
        if name in RESERVED_NAMES:
            raise ValueError(f"the DAG {DAG_PREFIX}{name} has this name")
        return name

    @field_validator("initial_import")
    @classmethod
    def _is_kept_so_long(cls, initial_import: timedelta) -> timedelta:
        if cls.source_keeps is not None and initial_import > cls.source_keeps:
            raise ValueError(
                f"at most {format_duration(cls.source_keeps)}, because the source does not keep its events longer"
            )
        return initial_import

    @model_validator(mode="after")
    def _window_holds_frequency(self) -> Self:
        if self.max_window < self.update_frequency:
            raise ValueError(
                f"max_window ({format_duration(self.max_window)}) must not be shorter than "
                f"update_frequency ({format_duration(self.update_frequency)})"
            )
        return self

    def for_run(self, params: Mapping[str, Any]) -> Self:
        """Return the options of one run, with `run_options` from its trigger form."""
        return self.model_copy(update={name: params[name] for name in self.run_options})

    def resolve_paths(self, directory: Path) -> Self:
        """Return the options with relative paths (options whose names end in _file) resolved against a directory."""
        names = [name for name in type(self).model_fields if name.endswith("_file")]
        paths = {name: str(directory / path) for name in names if (path := getattr(self, name))}
        return self.model_copy(update=paths) if paths else self

    @property
    def reads_back(self) -> timedelta:
        """Return how much older than its window the events of a scheduled run can be."""
        return self.overlap

    @property
    def dag_id(self) -> str:
        """Return the id of the connector's DAG."""
        return f"{DAG_PREFIX}{self.name}"


class Destination(BaseModel):
    """The budget of a Recorded Future Connection, shared by all of its connectors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    daily_limit: int = Field(
        default=15_000, ge=1, description="Detections a day (UTC) that Recorded Future accepts from this token."
    )
    reserved_share: float = Field(
        default=0.2,
        ge=0,
        lt=1,
        strict=False,
        description="Share of the limit that is reserved for scheduled runs.",
    )

    @property
    def limit_for_bulk(self) -> int:
        """Return how many detections backfills, manual runs and waiting detections can send a day."""
        return int(self.daily_limit * (1 - self.reserved_share))


class Retention(BaseModel):
    """How long artifacts, history and the ledger are kept. Artifacts and history contain personal data."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    artifacts: Duration = Field(default=timedelta(days=30), description="Files of the staging area.")
    history: Duration = Field(
        default=timedelta(days=180),
        description="Counts of runs, ids of dropped events, settled quarantined records. Open records are kept.",
    )
    ledger: Annotated[Duration, AfterValidator(_at_least_a_year)] = Field(
        default=timedelta(days=400),
        description="What was delivered. Live runs do not read older events, because those could be sent twice.",
    )
