"""Mininet programs and MiniEdit's files, read without running them.

Lives here: Python's syntax tree, and MiniEdit's JSON, to nodes and links. Pure: nothing is imported or run.
What is written out line by line is read: a ``Topo`` class, or a program such as MiniEdit exports. A program that
computes its nodes (loops, conditions, helpers) cannot be known from its text (``NeedsRun``).
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from typing import Any

from clos.controller.intent.importers.mininet_topo import Described, Edge, Vertex
from clos.controller.intent.importers.tiers import HOST, SWITCH, NotReadable
from clos.controller.intent.source import Text

ADDS = frozenset({"addSwitch", "addHost", "addNode", "addLink", "addNAT", "addP4Switch", "addStation"})
_BASE_CALLS = frozenset({"__init__", "build"})


class NeedsRun(Exception):
    """The text alone does not tell. The message says what stands in the way, and in which line."""


def read_program(text: Text, name: str) -> Described:
    """What the class, the function or the entry of ``topos`` of this name describes. Raises NeedsRun, NotReadable."""
    try:
        module = ast.parse(text.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotReadable([f"{text.name}: not Python: {error}"]) from None
    defined = {each.name: each for each in module.body if isinstance(each, ast.ClassDef | ast.FunctionDef)}
    target = defined.get(name) or defined.get(_entry(module, name))
    if target is None:
        known = sorted({n for n, each in defined.items() if _adds(each)} | {*_entries(module)})
        raise NeedsRun(f"there is no {name} in its text; there are: {', '.join(known) or 'none'}")
    reading = _Reading(defined)
    try:
        for statement in module.body:
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                reading.statement(statement)
        reading.definition(target)
    except (RecursionError, ValueError):
        raise NeedsRun("its expressions are too deep, or its numbers too large") from None
    return Described(target.name, reading.nodes, tuple(reading.links), tuple(reading.notes))


def _entries(module: ast.Module) -> Iterator[str]:
    for key, _ in _topos(module):
        yield key


def _entry(module: ast.Module, name: str) -> str:
    """The class that an entry of ``topos`` stands for: ``T``, or ``lambda: T()``."""
    value = next((value for key, value in _topos(module) if key == name), None)
    if isinstance(value, ast.Lambda) and isinstance(value.body, ast.Call) and not value.body.args + value.body.keywords:
        value = value.body.func
    return value.id if isinstance(value, ast.Name) else ""


def _topos(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for statement in module.body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Dict):
            continue
        if "topos" in {target.id for target in statement.targets if isinstance(target, ast.Name)}:
            pairs = zip(statement.value.keys, statement.value.values, strict=True)
            yield from ((str(key.value), value) for key, value in pairs if isinstance(key, ast.Constant))


def _adds(tree: ast.AST) -> ast.Call | None:
    """The first call in it that adds to a network."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ADDS:
            return node
    return None


class _Opaque(str):
    """An expression whose value the text does not tell; its source."""

    __slots__ = ()


class _Reading:
    """One walk over the statements of a program, in order."""

    def __init__(self, defined: Mapping[str, ast.AST]) -> None:
        self.defined = dict(defined)
        self.values: dict[str, Any] = {}
        """By variable: literals, and the names of nodes."""
        self.nodes: dict[str, Vertex] = {}
        self.links: list[Edge] = []
        self.notes: list[str] = []

    def definition(self, target: ast.ClassDef | ast.FunctionDef) -> None:
        """A class: its ``__init__``, then its ``build``, as ``Topo`` calls it; a function: its body."""
        if isinstance(target, ast.FunctionDef):
            self._parameters(target)
            self._block(target.body)
            return
        methods = {each.name: each for each in target.body if isinstance(each, ast.FunctionDef)}
        for base in target.bases:
            if isinstance(base, ast.Name) and isinstance(own := self.defined.get(base.id), ast.ClassDef):
                raise _needs_run(own, f"{target.name} is made from {base.id}")
        for method in ("__init__", "build"):
            if method in methods:
                self.defined |= {f"self.{n}": each for n, each in methods.items() if n not in _BASE_CALLS}
                self._parameters(methods[method])
                self._block(methods[method].body)

    def _parameters(self, function: ast.FunctionDef) -> None:
        """Defaults are what the arguments are when none are given."""
        names = [*function.args.posonlyargs, *function.args.args]
        for arg, default in zip(reversed(names), reversed(function.args.defaults), strict=False):
            self.values[arg.arg] = self._value(default)
        for arg, given in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
            if given is not None:
                self.values[arg.arg] = self._value(given)
        if function.args.kwarg:
            self.values[function.args.kwarg.arg] = {}

    def _block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)
            if isinstance(statement, ast.Return):
                return

    def statement(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            value = self._value(statement.value)
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                self._assign(target, value)
        elif isinstance(statement, ast.Expr | ast.Return):
            if statement.value is not None:
                self._value(statement.value)
        elif (call := _adds(statement)) is not None:
            raise _needs_run(call, f"it stands in a {type(statement).__name__.lower()} statement")
        else:
            for node in ast.walk(statement):
                if isinstance(node, ast.Call):
                    self._helper(node)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
                    self.values.pop(node.id, None)

    def _assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            several = isinstance(value, list | tuple) and len(value) == len(target.elts)
            for place, each in enumerate(target.elts):
                self._assign(each, value[place] if several else _Opaque(ast.unparse(target)))
        elif isinstance(target, ast.Name | ast.Attribute):
            self.values[ast.unparse(target)] = value
        else:  # part of something known, such as a dictionary
            self.values.pop(next((n.id for n in ast.walk(target) if isinstance(n, ast.Name)), ""), None)

    def _value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            large = isinstance(node.value, int) and node.value.bit_length() > 64
            return _Opaque("a large number") if large else node.value
        if isinstance(node, ast.Name | ast.Attribute):
            text = ast.unparse(node)
            return self.values.get(text, _Opaque(text))
        if isinstance(node, ast.List | ast.Tuple):
            return [self._value(each) for each in node.elts]
        if isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
            return {k.value: self._value(v) for k, v in zip(node.keys, node.values, strict=True)
                    if isinstance(k, ast.Constant)}  # fmt: skip
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self._value(node.operand)
            return -value if isinstance(value, int | float) else _Opaque(ast.unparse(node))
        if isinstance(node, ast.Call):
            return self._call(node)
        if (call := _adds(node)) is not None:
            raise _needs_run(call, "it stands in an expression")
        return _Opaque(ast.unparse(node))

    def _call(self, call: ast.Call) -> Any:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if name not in ADDS:
            self._helper(call)
            self._forwards(call)
            if isinstance(call.func, ast.Name) and call.func.id == "Intf":
                self.notes.append(f"left out: a port of the machine, {ast.unparse(call)} in line {call.lineno}")
            if name == "get" and len(call.args) == 1:
                return self._value(call.args[0])
            if isinstance(call.func, ast.Name) and call.func.id == "dict" and not call.args:
                return {word.arg: self._value(word.value) for word in call.keywords if word.arg}
            return _Opaque(ast.unparse(call))
        if name not in ("addSwitch", "addHost", "addNode", "addLink"):
            raise _needs_run(call, f"{name} is not read")
        args = [self._value(each) for each in call.args]
        words: dict[str, Any] = {}
        for word in call.keywords:
            value = self._value(word.value)
            if word.arg is None:
                if not isinstance(value, Mapping):
                    raise _needs_run(call, f"**{ast.unparse(word.value)} is not known")
                words |= value
            else:
                words[word.arg] = value
        return self._link(call, args, words) if name == "addLink" else self._node(call, name, args, words)

    def _node(self, call: ast.Call, method: str, args: list[Any], words: dict[str, Any]) -> str:
        name = args[0] if args else words.pop("name", None)
        if not isinstance(name, str) or isinstance(name, _Opaque):
            raise _needs_run(call, "its name is computed")
        if len(args) > 1:
            words["cls"] = args[1]
        kind = SWITCH if method == "addSwitch" or words.get("isSwitch") is True else HOST
        cls = str(words["cls"]) if words.get("cls") else ""
        own = self.defined.get(cls)
        bases = [ast.unparse(base) for base in own.bases] if isinstance(own, ast.ClassDef) else []
        self.nodes[name] = Vertex(kind, words, (cls, *bases) if cls else (), bool(own and _forwarding(own)))
        return name

    def _link(self, call: ast.Call, args: list[Any], words: dict[str, Any]) -> _Opaque:
        for place, key in enumerate(("node1", "node2", "port1", "port2", "cls")):
            if place < len(args):
                words[key] = args[place]
        ends = words.pop("node1", None), words.pop("node2", None)
        for end in ends:
            if not isinstance(end, str) or end not in self.nodes:
                raise _needs_run(call, f"{end if end else 'an end'} is no node that its text names")
        ports = words.pop("port1", None), words.pop("port2", None)
        own = words.pop("params1", None) or {}, words.pop("params2", None) or {}
        if not all(port is None or type(port) is int for port in ports):
            raise _needs_run(call, "a port is computed")
        if not all(isinstance(each, Mapping) for each in own):
            raise _needs_run(call, "its parameters are computed")
        self.links.append(Edge((str(ends[0]), str(ends[1])), ports, words, own))
        return _Opaque("link")

    def _helper(self, call: ast.Call) -> None:
        """A call of what the file itself defines, which may add nodes out of sight."""
        own = self.defined.get(ast.unparse(call.func))
        if own is not None and (adding := _adds(own)) is not None:
            raise _needs_run(adding, f"{ast.unparse(call.func)} adds it")

    def _forwards(self, call: ast.Call) -> None:
        """``r1.cmd('sysctl -w net.ipv4.ip_forward=1')``: a node of its own class is a router by that."""
        if isinstance(call.func, ast.Attribute) and _forwarding(call):
            name = self._value(call.func.value)
            if isinstance(name, str) and name in self.nodes:
                self.nodes[name] = self.nodes[name]._replace(forwards=True)


def _forwarding(tree: ast.AST) -> bool:
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return any("ip_forward=1" in text.replace(" ", "") for text in texts)


def _needs_run(node: ast.AST, why: str) -> NeedsRun:
    return NeedsRun(f"line {getattr(node, 'lineno', 0)}: {why}")


# MiniEdit's own files.


def read_miniedit(text: Text) -> Described:
    """A file that MiniEdit saved (``.mn``). Raises NotReadable."""
    try:
        found = json.loads(text.text)
    except (ValueError, RecursionError) as error:
        raise NotReadable([f"{text.name}: not JSON, as MiniEdit saves it: {error}"]) from None
    rows = {key: found.get(key) if isinstance(found, dict) else None for key in ("hosts", "switches", "links")}
    if not all(isinstance(each, list) and all(isinstance(row, dict) for row in each) for each in rows.values()):
        raise NotReadable([f"{text.name}: no hosts, switches and links in it: is it a file of MiniEdit's?"])
    nodes: dict[str, Vertex] = {}
    for section, kind in (("hosts", HOST), ("switches", SWITCH)):
        for row in rows[section] or ():
            options = row.get("opts") if isinstance(row.get("opts"), dict) else {}
            router = options.get("switchType") == "legacyRouter"
            kept = {k: v for k, v in options.items() if v not in ("", [], None) and k not in _PLACES}
            name = str(options.get("hostname", ""))
            nodes[name] = Vertex(HOST if router else kind, {} if router else kept, ("LegacyRouter",) * router)
    links = [_miniedit_link(text.name, number, row, nodes) for number, row in enumerate(rows["links"] or ())]
    return Described("miniedit", nodes, tuple(links))


_PLACES = frozenset({"hostname", "nodeNum", "controllers", "switchType", "sched"})


def _miniedit_link(file: str, number: int, row: Mapping[str, Any], nodes: Mapping[str, Vertex]) -> Edge:
    ends = str(row.get("src")), str(row.get("dest"))
    for end in ends:
        if end not in nodes:
            raise NotReadable([f"{file}: links[{number}]: there is no node {end}"])
    options = row.get("opts")
    return Edge(ends, (None, None), options if isinstance(options, dict) else {})
