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
import re
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    place, _, order = sys.argv[1].rpartition(":")
    name, *words = order.split(",")
    print(json.dumps(sketch(_made(_module(place), name, words))))


def _module(place: str) -> Any:
    if not place.endswith(".py"):
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
    """``{"name", "nodes": {name: {"kind", "dpid", "mac"}}, "cables": [[node, port, node, port, mbps]]}``."""
    nodes = {name: {"kind": "switch", "dpid": _dpid(name, topo.nodeInfo(name)), "mac": ""} for name in topo.switches()}
    nodes |= {name: {"kind": "host", "dpid": 0, "mac": topo.nodeInfo(name).get("mac") or ""} for name in topo.hosts()}
    cables = [
        [info["node1"], info["port1"], info["node2"], info["port2"], info.get("bw") or 0]
        for _, _, info in topo.links(sort=True, withInfo=True)
    ]
    return {"name": type(topo).__name__, "nodes": nodes, "cables": cables}


def _dpid(name: str, info: dict[str, Any]) -> int:
    """As Mininet gives them: the one that is set, in hexadecimal, else the first number in the switch's name."""
    if info.get("dpid"):
        return int(str(info["dpid"]).replace(":", ""), 16)
    found = re.findall(r"\d+", name)
    return int(found[0]) if found else 0


if __name__ == "__main__":
    main()
