"""Ansible inventories as hosts: INI, YAML, what ``ansible-inventory --list`` prints, and directories of them.

Lives here: groups, variables and which of them wins (https://docs.ansible.com/ansible/latest/, "Understanding variable
precedence", levels 2 to 8), ``host_vars`` and ``group_vars`` beside the inventory. Must not know: sessions. Passwords
are not read; a value that is a template says so; hosts of systems that are not read here are left out, and named.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from clos.controller.migrate.discover.inventory import Found, Host, InventoryProblem, host_of

SYSTEMS = {"ios": "ios", "iosxe": "iosxe", "ios-xe": "iosxe", "nxos": "nxos", "nx-os": "nxos"}
"""The last word of ``ansible_network_os`` -> our platform."""
_SECTION = re.compile(r"\[([^\]:]+)(?::(vars|children|hosts))?\]\s*(?:[#;].*)?$")
_RANGE = re.compile(r"\[(\w+):(\w+)(?::(\d+))?\]")
_TEMPLATE = re.compile(r"\{\{|\{%")
_JUMP = re.compile(r"(?:ProxyJump[= ]|-J ?)[\"']?([^\s\"',]+)")
_DEEPEST = 30
_FILES = (".yml", ".yaml", ".json", "")
_SKIPPED = (".cfg", ".ini~", ".md", ".py", ".retry", ".orig", ".bak", ".csv")


@dataclass(slots=True)
class Groups:
    """An inventory as it was read: variables of hosts and groups, and who is in what."""

    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    children: dict[str, set[str]] = field(default_factory=dict)

    def host(self, group: str, name: str, variables: Mapping[str, Any]) -> None:
        self.hosts.setdefault(name, {}).update(variables)
        self.members.setdefault(group, set()).add(name)

    def depth(self, group: str, seen: frozenset[str] = frozenset()) -> int:
        """How many groups it is below; a group within itself is a fault of the inventory."""
        if group in seen:
            raise InventoryProblem([f"group {group} is its own child"])
        parents = [parent for parent, below in self.children.items() if group in below]
        return max((1 + self.depth(parent, seen | {group}) for parent in parents), default=0 if group == "all" else 1)

    def of_host(self, name: str) -> list[str]:
        """The groups that a host is in, outer ones first; those of one depth by name."""
        found, due = set(), [group for group, names in self.members.items() if name in names]
        while due:
            group = due.pop()
            if group not in found:
                found.add(group)
                due += [parent for parent, below in self.children.items() if group in below]
        return sorted(found | {"all"}, key=lambda group: (group != "all", self.depth(group), group))


def read_ansible(path: Path, text: str | None = None, document: Any = None) -> Found:
    """The hosts of an inventory. ``text``, ``document``: what was read of it already. Raises InventoryProblem, OSError."""
    groups = Groups()
    if path.is_dir():
        for one in sorted(path.iterdir()):
            if one.is_file() and not one.name.startswith(".") and one.suffix not in _SKIPPED:
                _read(groups, one, one.read_text(encoding="utf-8", errors="replace"))
    else:
        _read(groups, path, path.read_text(encoding="utf-8", errors="replace") if text is None else text, document)
    place = path if path.is_dir() else path.parent
    return _found(path, groups, _Beside(place))


def looks_ansible(document: Any) -> bool:
    """Whether a YAML or JSON document is an Ansible inventory: groups that have hosts, children or variables."""
    if not isinstance(document, dict) or not document:
        return False
    if "_meta" in document:
        return True
    words = {"hosts", "children", "vars"}
    bodies = [body for body in document.values() if body is not None]
    return all(isinstance(body, dict) and body and body.keys() <= words for body in bodies) and bool(bodies)


def looks_ini(text: str) -> bool:
    """Whether a text is an inventory in INI: its first line of meaning is a section, or a host with variables."""
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and line[0] not in "#;"), "")
    return bool(_SECTION.fullmatch(first) or re.match(r"[\w.\[\]:-]+(\s+ansible_\w+=)", first))


def _read(groups: Groups, path: Path, text: str, document: Any = None) -> None:
    if document is None and not looks_ini(text):
        try:
            document = yaml.load(text, Loader=Loader)
        except yaml.YAMLError:
            document = None
    if isinstance(document, dict) and looks_ansible(document):
        _listed(groups, document) if "_meta" in document else _nested(groups, document, path)
    else:
        _ini(groups, path, text)


class Loader(yaml.SafeLoader):
    """YAML whose tags (``!vault``) are texts that nobody reads."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: f"{{{{ !{suffix} }}}}")


def _nested(groups: Groups, document: Mapping[str, Any], path: Path, level: int = 0) -> None:
    if level > _DEEPEST:
        raise InventoryProblem([f"{path}: groups lie more than {_DEEPEST} deep in one another"])
    for name, body in document.items():
        for host, variables in ((body or {}).get("hosts") or {}).items():
            for each in _expanded(str(host)):
                groups.host(str(name), each, variables or {})
        groups.variables.setdefault(str(name), {}).update((body or {}).get("vars") or {})
        below = (body or {}).get("children") or {}
        if not isinstance(below, dict):
            raise InventoryProblem([f"{path}: {name}.children: a mapping of groups is needed"])
        groups.children.setdefault(str(name), set()).update(map(str, below))
        _nested(groups, below, path, level + 1)


def _listed(groups: Groups, document: Mapping[str, Any]) -> None:
    """What ``ansible-inventory --list`` prints: variables are those that won already."""
    known = document["_meta"].get("hostvars") or {}
    for name, body in document.items():
        if name == "_meta":
            continue
        body = {"hosts": body} if isinstance(body, list) else body
        for host in body.get("hosts") or ():
            groups.host(name, host, known.get(host, {}))
        groups.variables.setdefault(name, {}).update(body.get("vars") or {})
        groups.children.setdefault(name, set()).update(body.get("children") or ())


def _ini(groups: Groups, path: Path, text: str) -> None:
    group, kind, problems = "ungrouped", "hosts", []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        section = _SECTION.fullmatch(line)
        try:
            if section:
                group, kind = section[1].strip(), section[2] or "hosts"
                groups.members.setdefault(group, set())
            elif kind == "vars":
                name, equals, value = line.partition("=")
                if not equals:
                    raise ValueError("name=value is needed")
                groups.variables.setdefault(group, {})[name.strip()] = _literal(value.strip())
            elif kind == "children":
                groups.children.setdefault(group, set()).add(line.split()[0])
            else:
                _ini_host(groups, group, line)
        except ValueError as fault:
            problems.append(f"{path}:{number}: {line}: {fault}")
    if problems:
        raise InventoryProblem(problems)


def _ini_host(groups: Groups, group: str, line: str) -> None:
    first, *words = shlex.split(line, comments=True)
    variables = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"{word!r} is no name=value")
        variables[name] = _literal(value)
    for name in _expanded(first):
        groups.host(group, name, variables)


def _literal(text: str) -> Any:
    """Ansible takes INI values as Python literals where they are ones."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _expanded(pattern: str) -> Iterator[str]:
    """``acc[01:03]`` -> acc01, acc02, acc03; letters too."""
    found = _RANGE.search(pattern)
    if found is None:
        yield pattern
        return
    low, high, step = found[1], found[2], int(found[3] or 1)
    if low.isdigit() and high.isdigit() and int(high) - int(low) < 10_000:
        words = [str(n).zfill(len(low)) for n in range(int(low), int(high) + 1, max(1, step))]
    elif len(low) == len(high) == 1:
        words = [chr(n) for n in range(ord(low), ord(high) + 1, max(1, step))]
    else:
        raise ValueError(f"{found[0]} is no range")
    for word in words:
        yield from _expanded(pattern[: found.start()] + word + pattern[found.end() :])


class _Beside:
    """``group_vars`` and ``host_vars`` beside an inventory: a file or a directory for each name."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.sealed: list[str] = []

    def of(self, kind: str, name: str) -> dict[str, Any]:
        base, found = self.place / kind, {}
        for suffix in _FILES:
            path = base / f"{name}{suffix}"
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file():
                    found.update(self._variables(file))
        return found

    def _variables(self, file: Path) -> dict[str, Any]:
        text = file.read_text(encoding="utf-8", errors="replace")
        if text.startswith("$ANSIBLE_VAULT"):
            self.sealed.append(f"{file} is sealed by Ansible Vault and not read")
            return {}
        try:
            document = yaml.load(text, Loader=Loader)
        except yaml.YAMLError as fault:
            mark = getattr(fault, "problem_mark", None)
            where = f":{mark.line + 1}" if mark else ""
            raise InventoryProblem([f"{file}{where}: {getattr(fault, 'problem', None) or 'no YAML'}"]) from None
        if document is not None and not isinstance(document, dict):
            raise InventoryProblem([f"{file}: a mapping of variables is needed"])
        return document or {}


def _found(path: Path, groups: Groups, beside: _Beside) -> Found:
    hosts: list[Host] = []
    problems: list[str] = []
    others: list[str] = []
    secret = False
    for name in groups.hosts:
        variables = _variables(groups, beside, name)
        secret |= any(word.endswith(("password", "_pass", "_passwd")) for word in variables)
        system = str(variables.get("ansible_network_os", "")).split(".")[-1].lower()
        if system not in SYSTEMS:
            others.append(name)
            continue
        for one in host_of(f"{path}: {name}", _values(path, name, variables, SYSTEMS[system], problems)):
            (problems if isinstance(one, str) else hosts).append(one)  # type: ignore[arg-type]
    if not hosts and not problems:
        say = f"{len(others)} hosts, none with" if others else "no host, so none with"
        problems.append(f"{path}: {say} ansible_network_os: ios, iosxe or nxos (cisco.ios.ios does as well)")
    if problems:
        raise InventoryProblem(problems)
    notes = list(dict.fromkeys(beside.sealed))
    if others:
        notes.append(f"left out, for ansible_network_os is not ios, iosxe or nxos: {', '.join(sorted(others))}")
    if secret:
        notes.append("passwords of an Ansible inventory are not read: set CLOS_MIGRATE_PASSWORD, or use an agent")
    return Found(tuple(hosts), "Ansible", tuple(notes))


def _variables(groups: Groups, beside: _Beside, name: str) -> dict[str, Any]:
    """Those of a host, the later ones winning: groups in the inventory, group_vars, the host there, host_vars."""
    own = groups.of_host(name)
    found: dict[str, Any] = {}
    for group in own:
        found.update(groups.variables.get(group, {}))
    for group in own:
        found.update(beside.of("group_vars", group))
    return {**found, **groups.hosts[name], **beside.of("host_vars", name)}


def _values(path: Path, name: str, variables: Mapping[str, Any], platform: str, problems: list[str]) -> dict[str, Any]:
    """Our words for what Ansible says of a host."""
    values: dict[str, Any] = {"name": name, "address": name, "platform": platform}
    for theirs, ours in (("ansible_host", "address"), ("ansible_port", "port"), ("ansible_user", "username")):
        given = variables.get(theirs, variables.get(theirs.replace("ansible_", "ansible_ssh_")))
        if isinstance(given, str) and _TEMPLATE.search(given):
            problems.append(f"{path}: {name}: {theirs} is a template ({given}); ansible-inventory --list resolves it")
        elif given is not None:
            values[ours] = given if ours == "port" and not str(given).isdigit() else _plain(ours, given)
    jump = _JUMP.search(str(variables.get("ansible_ssh_common_args", "")))
    if jump:
        values["jump"] = jump[1]
    return values


def _plain(field: str, given: Any) -> Any:
    return int(given) if field == "port" else str(given)
