"""Words of the command line as values: paths, text, numbers and choices, without typer's pydantic adapters.

Typer 0.2x reads every value through pydantic, whose import takes longer than all else that a light command does. The
plain types that commands here have are read directly instead; every other type stays typer's business, and versions
of typer without ``get_runtime_param`` are left alone. tests/cli_/test_cli_startup.py holds both to the same answers,
but for whole numbers that are too large for the store and for JSON.
Must not know: commands.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

import typer

Read = Callable[[Any], Any]
"""The value of a word. Raises ValueError with what is expected."""


class Coercion(NamedTuple):
    """What typer calls to have a parameter's words read."""

    read: Read
    many: bool

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value; of a parameter that takes several, a list. Raises BadParameter."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        try:
            return [self.read(one) for one in value] if self.many else self.read(value)
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=ctx, param=param) from None


def lighten(command: Any) -> Any:
    """The command, with those of its parameters read here that can be; and the commands below it."""
    for param in command.get_params(command.context_class(command)):  # --help among them
        descriptor = getattr(param, "type_descriptor", None)
        if hasattr(param, "get_runtime_param") and (found := coercion(descriptor)) is not None:
            param.get_runtime_param = lambda found=found: found
    for inner in getattr(command, "commands", {}).values():
        lighten(inner)
    return command


def coercion(descriptor: Any) -> Coercion | None:
    """How values of this type are read; None for one that is typer's business."""
    many = get_origin(descriptor.annotation) is list
    kind = get_args(descriptor.annotation)[0] if many else descriptor.annotation
    info = descriptor.parameter_info
    if info.parser is not None or info.clamp or not isinstance(kind, type):
        return None
    if kind is str:
        return Coercion(str, many)
    if kind is bool:
        return Coercion(_flag, many)
    if issubclass(kind, Path) and not (info.exists or info.writable or info.resolve_path or info.allow_dash):
        return Coercion(_path, many)
    if kind in (int, float):
        return Coercion(lambda value: _number(value, kind, info.min, info.max), many)
    if issubclass(kind, StrEnum) and info.case_sensitive:
        return Coercion(lambda value: _choice(value, kind), many)
    return None


LARGEST = 1 << 53
"""No whole number is larger: JSON's readers keep none that is."""
FLAGS = {
    **dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True),
    **dict.fromkeys(("0", "false", "f", "no", "n", "off", ""), False),
}
"""Words for a flag that comes from the environment."""


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    try:
        return FLAGS[str(value).strip().lower()]
    except KeyError:
        raise ValueError(f"{value!r} is not one of {', '.join(filter(None, FLAGS))}") from None


def _path(value: Any) -> Path:
    if value == "":
        raise ValueError("'' is no path; . is the directory that this is")
    found = Path(value)
    if found.exists() and not os.access(found, os.R_OK):
        raise ValueError(f"{found} is not readable")
    return found


def _number(value: Any, kind: type[int] | type[float], least: float | None, most: float | None) -> float:
    what = "a whole number" if kind is int else "a number"
    try:
        found = kind(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r} is not {what}") from None
    if kind is int and abs(found) > LARGEST:
        raise ValueError(f"{value!r} is too large: no more than {LARGEST}")
    if math.isnan(found) or (least is not None and found < least) or (most is not None and found > most):
        limits = f" of at least {least}" if most is None else f" from {least} to {most}"
        raise ValueError(f"{value!r} is not {what}{limits if least is not None else ''}")
    return found


def _choice(value: Any, kind: type[StrEnum]) -> StrEnum:
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"{value!r} is not one of {', '.join(kind)}") from None
