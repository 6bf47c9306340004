"""Options that commands have in common, as one value: a parameter of the group's type stands for all of its options.

Must not know: what commands do with them. Typer reads a function's signature, so that is where a group is spelt out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, get_type_hints


class OptionGroup:
    """Base of frozen dataclasses whose fields are typer's annotated options, each with its default."""


def spelt_out(command: Callable[..., Any]) -> tuple[list[inspect.Parameter], Callable[..., Any]]:
    """The parameters of a command with its groups' options in place of the groups; and the command, taking these."""
    parameters: list[inspect.Parameter] = []
    groups: dict[str, tuple[type[OptionGroup], list[str]]] = {}
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        kind = parameter.annotation
        if isinstance(kind, type) and issubclass(kind, OptionGroup):
            options = _options(kind, parameter)
            groups[parameter.name] = kind, [option.name for option in options]
            parameters += options
        else:
            parameters.append(parameter)

    def run(**given: Any) -> Any:
        for name, (kind, options) in groups.items():
            given[name] = kind(**{option: given.pop(option) for option in options})
        return command(**given)

    return parameters, run


def _options(kind: Any, parameter: inspect.Parameter) -> list[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            parameter.kind,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(kind)
    ]
