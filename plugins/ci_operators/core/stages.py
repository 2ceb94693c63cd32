"""The stages of a run, in their order: each is an Airflow task and leaves a manifest."""

from __future__ import annotations

STAGES = ("extract", "filter", "map", "validate", "submit")
