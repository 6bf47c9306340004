"""A line of an access list as a value: which packets it takes, and what it does with them.

Lives here: reading standard and extended IPv4 lines with their object-groups, from a configuration or as ``show ip
access-lists`` has them. Must not know: where lists are applied, endpoints, intents. A line that says something unknown
raises NotUnderstood: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import NamedTuple

from clos.controller.migrate.model import AccessList, AclLine
from clos.controller.migrate.segmentation.addresses import ALL, ANY, Addresses, Pattern, host, span
from clos.controller.migrate.segmentation.services import Condition, Kind, Ports, Service, conditions, object_services
from clos.controller.migrate.segmentation.words import PORTS, PROTOCOLS, WITH_PORTS

Groups = Mapping[str, tuple[str, ...]]
"""Object-groups of a device: the kind, then the lines."""


class NotUnderstood(ValueError):
    """A line whose meaning is not known; says the line and the words."""


class Place(NamedTuple):
    """Where a rule stands: the device, its access list, the line's number (0: the implicit deny) and text."""

    device: str
    acl: str
    line: int
    text: str
    remark: str = ""

    def __str__(self) -> str:
        if not self.device:
            return self.acl
        return f"{self.device} {self.acl} " + (f"line {self.line}" if self.line else "implicit deny")


@dataclass(frozen=True, slots=True)
class Rule:
    """Packets from ``source`` to ``target`` with one of ``services``: permitted or denied."""

    permit: bool
    source: Addresses
    target: Addresses
    services: tuple[Service, ...]
    place: Place

    @property
    def conditions(self) -> frozenset[Condition]:
        """Everything that it asks of a packet beside addresses, protocol and ports."""
        return frozenset(condition for service in self.services for condition in service.conditions)


ANYTHING = (Service(None, Ports.ANY, Ports.ANY, frozenset()),)


def read_list(device: str, acl: AccessList, groups: Groups) -> tuple[Rule, ...]:
    """The rules of a list in order, the implicit deny last (an empty list permits everything, as IOS does)."""
    found: list[Rule] = []
    remark = ""
    for number, line in enumerate(acl.lines, 1):
        if line.text.startswith("remark"):
            remark = line.text[7:].strip()
            continue
        place = Place(device, acl.name, line.sequence or number, line.text, remark)
        found.append(_Line(place, groups).rule(acl.extended))
        remark = ""
    last = Place(device, acl.name, 0, "deny ip any any" if acl.extended else "deny any")
    return (*found, Rule(not found, ANY, ANY, ANYTHING, last))


def read_line(text: str, groups: Groups | None = None, extended: bool = True) -> Rule:
    """One line by itself."""
    return read_list("-", AccessList("-", extended, (AclLine(10, text),)), groups or {})[0]


class _Line:
    """The words of one line, taken one after the other."""

    def __init__(self, place: Place, groups: Groups) -> None:
        self.place, self.groups = place, groups
        self.words = place.text.replace(",", " ").split()

    def rule(self, extended: bool) -> Rule:
        action = self.take()
        if action in ("evaluate", "dynamic"):
            return self._session(action)
        if action not in ("permit", "deny"):
            raise self.unknown(action)
        services: tuple[Service, ...]
        if extended:
            source, target, services = self._extended()
        else:
            source, target, services = self._standard_source(), ANY, (self._finished(None, Ports.ANY, Ports.ANY),)
        return Rule(action == "permit", source, target, services, self.place)

    def _session(self, action: str) -> Rule:
        """``evaluate NAME``: packets of sessions that were seen; ``dynamic NAME ...``: after a user logged in."""
        name = self.take()
        if action == "dynamic":
            while self.words and self.words[0] not in ("permit", "deny"):
                self.take()
            rule = self.rule(True)
            extra = Condition(Kind.OPAQUE, f"dynamic {name}")
            services = tuple(each._replace(conditions=each.conditions | {extra}) for each in rule.services)
            return Rule(rule.permit, rule.source, rule.target, services, self.place)
        condition = Condition(Kind.OPAQUE, f"session of {name}")
        return Rule(True, ANY, ANY, (Service(None, Ports.ANY, Ports.ANY, frozenset({condition})),), self.place)

    def _extended(self) -> tuple[Addresses, Addresses, tuple[Service, ...]]:
        word = self.take()
        if word == "object-group":
            services = self._services(self.take())
            source, target = self._addresses(), self._addresses()
            rest = self._rest(None)
            return source, target, tuple(each._replace(conditions=each.conditions | rest) for each in services)
        if word not in PROTOCOLS and not (word.isdecimal() and int(word) < 256):
            raise self.unknown(word)
        proto = PROTOCOLS[word] if word in PROTOCOLS else int(word)
        source = self._addresses()
        from_ports = self._ports(proto)
        target = self._addresses()
        to_ports = self._ports(proto)
        return source, target, (self._finished(proto, from_ports, to_ports),)

    def _services(self, name: str) -> tuple[Service, ...]:
        lines = self._group(name, "service")
        try:
            return object_services(lines, self._group, (name,))
        except NotUnderstood:
            raise
        except (ValueError, IndexError) as fault:
            raise self.unknown(str(fault)) from None

    def _finished(self, proto: int | None, from_ports: Ports, to_ports: Ports) -> Service:
        return Service(proto, from_ports, to_ports, self._rest(proto))

    def _rest(self, proto: int | None) -> frozenset[Condition]:
        try:
            return conditions(proto, self.words)
        except ValueError as fault:
            raise self.unknown(str(fault)) from None

    def _ports(self, proto: int | None) -> Ports:
        if proto not in WITH_PORTS or not self.words:
            return Ports.ANY
        try:
            return Ports.read(self.words, PORTS[proto])
        except (ValueError, IndexError) as fault:
            raise self.unknown(str(fault)) from None

    def _standard_source(self) -> Addresses:
        """``host A``, ``any``, ``A``, ``A WILD`` or ``A wildcard bits WILD``."""
        if self.words[:1] in (["any"], ["host"]):
            return self._addresses()
        value = self._number()
        if self.words[:2] == ["wildcard", "bits"]:
            self.words[:2] = []
        wild = self._number() if self.words and self.words[0][:1].isdigit() else 0
        return Addresses((Pattern(value & ~wild & ALL, wild),))

    def _addresses(self) -> Addresses:
        word = self.take()
        if word == "any":
            return ANY
        if word == "host":
            return host(self._number())
        if word == "object-group":
            name = self.take()
            return Addresses(tuple(self._patterns(name, ())), name)
        self.words.insert(0, word)
        value, wild = self._number(), self._number()
        return Addresses((Pattern(value & ~wild & ALL, wild),))

    def _patterns(self, name: str, above: tuple[str, ...]) -> list[Pattern]:
        """The addresses of an object-group of networks, nested ones too."""
        if name in above:
            raise self.unknown(f"object-group {name} holds itself")
        found: list[Pattern] = []
        for line in self._group(name, "network"):
            words = line.split()
            if words[0] in ("description", "remark"):
                continue
            if words[0] == "group-object":
                found += self._patterns(words[1], (*above, name))
            else:
                found += self._members(line, words)
        return found

    def _members(self, line: str, words: list[str]) -> tuple[Pattern, ...]:
        forms: Mapping[str, Callable[[], tuple[Pattern, ...]]] = {
            "any": lambda: ANY.patterns,
            "host": lambda: (Pattern(_address(words[1]), 0),),
            "range": lambda: span(_address(words[1]), _address(words[2])),
        }
        try:
            if words[0] in forms:
                return forms[words[0]]()
            if "/" in words[0]:
                value, _, length = words[0].partition("/")
                wild = (1 << 32 - int(length)) - 1
            else:
                value, wild = words[0], ~_address(words[1]) & ALL
            return (Pattern(_address(value) & ~wild & ALL, wild),)
        except (ValueError, IndexError):
            raise self.unknown(f"{line!r} of an object-group") from None

    def _group(self, name: str, kind: str) -> tuple[str, ...]:
        if name not in self.groups:
            raise self.unknown(f"there is no object-group {name}")
        head, *lines = self.groups[name]
        if head.split()[0] not in (kind, "ip"):
            raise self.unknown(f"object-group {name} is one of {head}, not of {kind}")
        return tuple(lines)

    def _number(self) -> int:
        word = self.take()
        try:
            return _address(word)
        except ValueError:
            raise self.unknown(word) from None

    def take(self) -> str:
        """The next word."""
        if not self.words:
            raise self.unknown("its end")
        return self.words.pop(0)

    def unknown(self, what: str) -> NotUnderstood:
        """What to raise: the place, the line and the words."""
        return NotUnderstood(f"{self.place}: {self.place.text!r}: {what} is not understood")


def _address(text: str) -> int:
    return int(IPv4Address(text))
