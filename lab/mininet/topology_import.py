"""A user's Mininet topology as data: run as a program, since it runs the user's code.

    python -m lab.mininet.topology_import FILE.py:NAME[,ARGUMENT...]          (or MODULE:NAME)

NAME is a ``Topo`` class, a function that gives one, or an entry of the file's ``topos``, as ``mn --custom`` takes it;
arguments are those of ``mn --topo``: ``2``, ``fanout=3``. Prints one JSON document on the last line of stdout.
Lives here: loading and reading ``Topo`` objects. Must not know: what is made of it.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    place, _, order = sys.argv[1].rpartition(":")
    name, *words = order.split(",")
    start_no_network()
    print(json.dumps(sketch(_made(_module(place), name, words))))


def _module(place: str) -> Any:
    if not place.endswith(".py"):
        if place.partition(".")[0] != "mininet":
            sys.path.insert(0, str(Path.cwd()))
        return importlib.import_module(place)
    path = Path(place).resolve()
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{place} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _made(module: Any, name: str, words: list[str]) -> Any:
    """The Topo object of this name."""
    made = getattr(module, name, None) or getattr(module, "topos", {}).get(name)
    if made is None:
        known = sorted({*getattr(module, "topos", {}), *(n for n, v in vars(module).items() if _is_topo(v))})
        raise SystemExit(f"no Topo {name} in {module.__name__}; there are: {', '.join(known) or 'none'}")
    keys = dict(word.split("=", 1) for word in words if "=" in word)
    topo = made(*[_value(word) for word in words if "=" not in word], **{k: _value(v) for k, v in keys.items()})
    if not hasattr(topo, "switches"):
        raise SystemExit(f"{name} gives {type(topo).__name__} and not a Topo")
    return topo


def _is_topo(value: object) -> bool:
    return isinstance(value, type) and hasattr(value, "addSwitch")


def _value(word: str) -> Any:
    try:
        return ast.literal_eval(word)
    except (ValueError, SyntaxError):
        return word


def sketch(topo: Any) -> dict[str, Any]:
    """``{"name", "nodes": {name: {"kind", "classes", "options"}}, "links": [{"ends", "ports", "options", "own"}]}``."""
    nodes = {name: _node("switch", topo.nodeInfo(name)) for name in topo.switches()}
    nodes |= {name: _node("host", topo.nodeInfo(name)) for name in topo.hosts()}
    return {"name": type(topo).__name__, "nodes": nodes,
            "links": [_link(info) for _, _, info in topo.links(sort=True, withInfo=True)]}  # fmt: skip


def _node(kind: str, info: dict[str, Any]) -> dict[str, Any]:
    cls = info.get("cls")
    classes = [each.__name__ for each in getattr(cls, "__mro__", ())]
    return {"kind": kind, "classes": classes, "options": _plain(info)}


def _link(info: dict[str, Any]) -> dict[str, Any]:
    places = ("node1", "node2", "port1", "port2", "params1", "params2")
    return {
        "ends": [info["node1"], info["node2"]],
        "ports": [info["port1"], info["port2"]],
        "own": [_plain(info.get(side) or {}) for side in ("params1", "params2")],
        "options": _plain({key: value for key, value in info.items() if key not in places}),
    }


def _plain(options: Any) -> dict[str, Any]:
    """Options as JSON can hold them: classes by their names, objects by what they say of themselves."""
    scalar = (str, int, float, bool, type(None))
    return {str(k): v if isinstance(v, scalar) else getattr(v, "__name__", None) or repr(v) for k, v in options.items()}


def start_no_network() -> None:
    """From here on, who makes a ``Mininet`` ends this program: to be read, a topology needs no network."""
    try:
        import mininet.net  # noqa: PLC0415 - the user's environment may lack it, and then nothing can start one
    except ImportError:
        return

    def refuse(*_: Any, **__: Any) -> None:
        raise SystemExit("it makes a Mininet, which would start a network: name a Topo class, or save it as .mn")

    mininet.net.Mininet.__init__ = refuse


if __name__ == "__main__":
    main()
