"""The protocols' machines across a restart: their state as bytes, without configuration and so without keys.

Lives here: which classes may come back. Must not know: stores, what the machines do. What cannot be read back is None:
the machine begins anew, as after a longer absence.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from typing import Any

from clos.fabric.protocols.eigrp.config import Config as EigrpConfig
from clos.fabric.protocols.eigrp.config import Interface
from clos.fabric.protocols.eigrp.router import Router
from clos.fabric.protocols.hsrp.machine import Config as HsrpConfig
from clos.fabric.protocols.hsrp.machine import Group

Machine = Group | Router
_CONFIGURED = (EigrpConfig, HsrpConfig, Interface)
_ALLOWED = {"collections": {"deque"}, "builtins": {"set", "frozenset", "getattr"}, "_codecs": {"encode"}}
_OURS = "clos.fabric.protocols."


def dumped(machine: Machine) -> bytes:
    """The machine's state; what is configured is left out, by name."""
    out = io.BytesIO()
    _Pickler(out, protocol=5).dump(machine)
    return out.getvalue()


def loaded(data: bytes, config: EigrpConfig | HsrpConfig) -> Any:
    """The machine with this configuration; None where the bytes are none of ours."""
    parts: dict[str, object] = {"config": config}
    if isinstance(config, EigrpConfig):
        parts.update({f"interface {each.name}": each for each in config.interfaces})
    try:
        found = _Unpickler(io.BytesIO(data), parts).load()
    except Exception:  # whatever a file of another version, or a damaged one, makes of it
        return None
    return found if isinstance(found, Group | Router) else None


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: object) -> str | None:
        """What is configured, by name."""
        if not isinstance(obj, _CONFIGURED):
            return None
        return f"interface {obj.name}" if isinstance(obj, Interface) else "config"


class _Unpickler(pickle.Unpickler):
    """Makes values of the protocols' own classes only."""

    def __init__(self, data: io.BytesIO, parts: Mapping[str, object]) -> None:
        super().__init__(data)
        self._parts = parts

    def persistent_load(self, pid: str) -> object:
        """What is configured now. Raises KeyError."""
        return self._parts[pid]

    def find_class(self, module: str, name: str) -> object:
        """Raises UnpicklingError for everything else."""
        if not (module.startswith(_OURS) or name in _ALLOWED.get(module, ())):
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a protocol's machine")
        return super().find_class(module, name)
