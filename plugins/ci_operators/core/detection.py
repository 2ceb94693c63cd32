"""A detection: one entry of the `data` array of Recorded Future's Collective Insights API.

Source of names, types and enumerations: Recorded Future's support article "Collective Insights API" and
the models of its SDK psengine 2.14; the tests compare this contract with them.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

IndicatorType = Literal["ip", "domain", "hash", "vulnerability", "url"]
#: The types that the API counts in its answers, in its order.
INDICATOR_TYPES: tuple[IndicatorType, ...] = ("ip", "domain", "hash", "vulnerability", "url")

#: Longer names are cut, so that no vendor's text makes a submission too large.
MAX_NAME_LENGTH = 500
#: The characters that stay of a longer id; its hash follows.
KEPT_OF_ID = MAX_NAME_LENGTH - 65

Text = Annotated[str, Meta(min_length=1, max_length=2048)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_LENGTH)]
MitreCode = Annotated[str, Meta(pattern=r"\A(T\d{4}(\.\d{3})?|TA\d{4})\Z")]
Timestamp = Annotated[str, Meta(pattern=r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")]


class Ioc(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """The indicator. `source_type` is the portal's "Event Source", `field` the log field with the indicator."""

    type: IndicatorType
    value: Text
    source_type: Name
    field: Name | None = None


class Incident(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """The event in its source. `id` is the source's event id: the portal's "Event ID"."""

    id: Name
    type: Name
    name: Name | None = None


class Method(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """How it was detected; `name` is the portal's "Description". A vendor's own finding is a correlation."""

    name: Name
    type: Literal["correlation"]


class Detection(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One indicator seen in one event. `timestamp` is UTC with milliseconds and `Z`."""

    timestamp: Timestamp
    ioc: Ioc
    incident: Incident
    detection: Method
    mitre_codes: list[MitreCode] = []


encode_detection = msgspec.json.Encoder().encode
decode_detection = msgspec.json.Decoder(Detection).decode


def shorten_id(event_id: str) -> str:
    """Return an event's id as a detection has it: the end of a long one is its hash, so that it stays unique."""
    text = event_id.strip()
    if len(text) <= MAX_NAME_LENGTH:
        return text
    return f"{text[:KEPT_OF_ID]}#{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"
