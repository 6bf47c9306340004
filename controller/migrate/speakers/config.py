"""What is to speak at the borders, as JSON and back, and the keys that it signs with.

Must not know: protocols, where frames come from. Keys are in the environment, never in a plan, a store or an answer.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from clos.controller.migrate.plan.model import EigrpSpeaker, HsrpSpeaker, Speakers

HSRP_KEY, EIGRP_KEY = "CLOS_HSRP_KEY", "CLOS_EIGRP_KEY"
"""Environment variables; with ``_GROUP`` or ``_ASN`` behind them for one group or process only."""
_SPEAKERS = TypeAdapter(Speakers)


class BadSpeakers(ValueError):
    """A document that says no speakers; what is wrong and where."""


def speakers_json(speakers: Speakers) -> dict[str, Any]:
    """``read_speakers(speakers_json(speakers)) == speakers``."""
    found: dict[str, Any] = _SPEAKERS.dump_python(speakers, mode="json")
    return found


def read_speakers(document: Mapping[str, Any]) -> Speakers:
    """Speakers from their JSON. Raises BadSpeakers."""
    try:
        return _SPEAKERS.validate_python(document)
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BadSpeakers(f"{place or 'speakers'}: {first['msg']}") from None


def hsrp_key(speaker: HsrpSpeaker, environment: Mapping[str, str] = os.environ) -> bytes | None:
    """The group's key or text; None: it has none, or the environment has none."""
    return _key(environment, HSRP_KEY, speaker.group) if speaker.authentication else None


def eigrp_key(speaker: EigrpSpeaker, environment: Mapping[str, str] = os.environ) -> bytes | None:
    """The process's key; None: it has none, or the environment has none."""
    return _key(environment, EIGRP_KEY, speaker.asn) if speaker.authentication else None


def lacking_keys(speakers: Speakers, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Environment variables that are needed and not set."""
    silent = [each for each in speakers.hsrp if each.authentication and not hsrp_key(each, environment)]
    unsigned = [each for each in speakers.eigrp if each.authentication and not eigrp_key(each, environment)]
    names = (*(f"{HSRP_KEY}_{each.group}" for each in silent), *(f"{EIGRP_KEY}_{each.asn}" for each in unsigned))
    return tuple(dict.fromkeys(names))


def _key(environment: Mapping[str, str], name: str, number: int) -> bytes | None:
    found = environment.get(f"{name}_{number}") or environment.get(name)
    return found.encode() if found else None
