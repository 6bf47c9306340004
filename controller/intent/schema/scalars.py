"""The words that stand for values: addresses, rates, services, ports; each read by one function.

Lives here: text to value, one function per notation, ``ValueError`` saying what to write instead.
Must not know: documents.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address

from clos.controller.intent.model import Rate, Service

MAX_KBPS = 2**32 - 1
"""What an OpenFlow 1.3 meter band can hold (OpenFlow 1.3.5 §7.3.4.4)."""

_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}")
_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?([A-Za-z/]+)")
_SERVICE = re.compile(r"([a-z]+)(?:/([0-9]{1,5})(?:-([0-9]{1,5}))?)?")
_PORT = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,62}):([0-9]{1,10})")
_ON = re.compile(r"(\S+) on ([A-Za-z0-9][A-Za-z0-9_.-]{0,62})")
_NUMBER = re.compile(r"[0-9]{1,20}|0x[0-9A-Fa-f]{1,16}")

PROTOCOLS = {"any": None, "esp": 50, "gre": 47, "icmp": 1, "sctp": 132, "tcp": 6, "udp": 17}
ONE_OF_PROTOCOLS = f"one of {', '.join(PROTOCOLS)}, or ip/NUMBER up to 255"
_WITH_PORTS = ("tcp", "udp", "sctp")
_BITS = {"kbps": 1, "Mbps": 10**3, "Gbps": 10**6, "Tbps": 10**9}
_BURSTS = {"kb": 1, "Mb": 10**3, "Gb": 10**6}
_SPEEDS = {"Mbps": 1, "Gbps": 10**3, "Tbps": 10**6}
_TIMES = {"us": 1, "ms": 10**3, "s": 10**6}


def number(text: str) -> int:
    """A whole number, decimal or ``0x`` hexadecimal."""
    if not _NUMBER.fullmatch(text):
        raise ValueError("write a whole number")
    return int(text, 16) if text.startswith("0x") else int(text)


def ipv4(text: str) -> int:
    parts = text.split(".")
    value = 0
    for part in parts:
        if not (part.isascii() and part.isdigit()) or len(part) > 3 or (part[0] == "0" and part != "0"):
            break
        value = value << 8 | int(part)
        if int(part) > 255:
            break
    else:
        if len(parts) == 4:
            return value
    if _is_ipv6(text):
        raise ValueError("an IPv6 address: Clos supports IPv4 only, so give it one like 10.1.0.5")
    raise ValueError("not an IPv4 address: write it like 10.1.0.5")


def gateway(text: str) -> int | str:
    """An IPv4 address, or ``none``."""
    if text == "none":
        return text
    try:
        return ipv4(text)
    except ValueError as error:
        raise ValueError(f"{str(error).replace('10.1.0.5', '10.1.0.1')}, or none") from None


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def ipv4_text(value: int) -> str:
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))


def prefix(text: str) -> tuple[int, int]:
    """``10.244.3.0/24`` as (address, length), from 0.0.0.0/0 to a single address; no multicast."""
    base, bits = _prefix(text, "prefix", 0, 32)
    if base >> 29 == 7 or base >> 24 == 127:
        raise ValueError("nobody is behind these addresses: use unicast ones, such as 10.244.3.0/24")
    return base, bits


def _prefix(text: str, what: str, least: int, most: int) -> tuple[int, int]:
    address, slash, length = text.partition("/")
    if _is_ipv6(address):
        raise ValueError(f"an IPv6 {what}: Clos supports IPv4 only, so give it one like 10.1.0.0/24")
    if not slash or not (length.isascii() and length.isdigit()) or len(length) > 2:
        raise ValueError(f"not a {what}: write it like 10.1.0.0/24")
    base, bits = ipv4(address), int(length)
    if not least <= bits <= most:
        raise ValueError(f"the prefix length of a {what} is between {least} and {most}")
    network = base >> (32 - bits) << (32 - bits)
    if network != base:
        raise ValueError(f"host bits are set: write {ipv4_text(network)}/{bits}")
    return base, bits


def cidr(text: str) -> tuple[int, int]:
    """``10.1.0.0/24`` as (network address, prefix length); an IPv4 subnet with room for a gateway and a host."""
    base, bits = _prefix(text, "subnet", 1, 30)
    if base >> 24 in (0, 127) or base >> 29 == 7:
        raise ValueError("hosts cannot have addresses of this subnet: use a unicast one, such as 10.1.0.0/24")
    return base, bits


def mac(text: str) -> int:
    """A unicast Ethernet address; ``02:00:00:00:00:01``."""
    if not _MAC.fullmatch(text):
        raise ValueError("not a MAC address: write it like 02:00:00:00:00:01")
    value = int(text.replace(text[2], ""), 16)
    if value >> 40 & 1 or value == 0:
        raise ValueError("a host's MAC address is unicast and not zero")
    return value


def mac_text(value: int) -> str:
    return ":".join(f"{value >> shift & 255:02x}" for shift in range(40, -1, -8))


def rate(text: str) -> Rate:
    """``500 Mbps``, rounded down to whole kilobits per second."""
    kbps = _quantity(text, _BITS, "500 Mbps")
    if not 1 <= kbps <= MAX_KBPS:
        raise ValueError("a rate is between 1 kbps and 4.29 Tbps")
    return Rate(kbps)


def burst(text: str) -> int:
    """``10 Mb`` in kilobits."""
    kilobits = _quantity(text, _BURSTS, "10 Mb")
    if not 1 <= kilobits <= MAX_KBPS:
        raise ValueError("a burst is between 1 kb and 4.29 Tb")
    return kilobits


def speed(text: str) -> int:
    """``40 Gbps`` in Mbit/s."""
    mbps = _quantity(text, _SPEEDS, "40 Gbps")
    if not 1 <= mbps <= 10**7:
        raise ValueError("a speed is between 1 Mbps and 10 Tbps")
    return mbps


def latency(text: str) -> int:
    """``5 us`` in microseconds."""
    micros = _quantity(text, _TIMES, "5 us")
    if not 0 <= micros <= 10**7:
        raise ValueError("a latency is between 0 us and 10 s")
    return micros


def _quantity(text: str, units: dict[str, int], example: str) -> int:
    found = _QUANTITY.fullmatch(text)
    if not found or found[2] not in units:
        raise ValueError(f"write it like {example} (units: {', '.join(units)})")
    whole, _, part = found[1].partition(".")
    unit = units[found[2]]
    return int(whole + part) * unit // int("1" + "0" * len(part))


def service(text: str) -> Service:
    """``tcp/443``, ``udp/5000-5010``, ``tcp`` (any port), ``icmp``, ``gre``, ``any``, ``ip/89`` (a protocol number)."""
    found = _SERVICE.fullmatch(text)
    if not found:
        raise ValueError("not a service: write it like tcp/443, udp/5000-5010, icmp or any")
    name, first, last = found.groups()
    if name == "ip" and first and not last and int(first) < 256:
        return Service(int(first))
    if name not in PROTOCOLS:
        raise ValueError(f"unknown protocol {name}: {ONE_OF_PROTOCOLS}")
    if first is None:
        return Service(PROTOCOLS[name])
    if name not in _WITH_PORTS:
        raise ValueError(f"{name} has no ports: write {name}")
    low, high = int(first), int(last or first)
    if not 1 <= low <= high <= 65535:
        raise ValueError("ports are 1 to 65535, the lower one first")
    return Service(PROTOCOLS[name], low, high)


def port(text: str) -> tuple[str, int]:
    """``leaf1:3`` as (switch, port number)."""
    found = _PORT.fullmatch(text)
    if not found:
        raise ValueError("not a port: write it like leaf1:3")
    if not 1 <= int(found[2]) <= 0xFFFFFF00:
        raise ValueError("port numbers are 1 to 4294967040 (OpenFlow's largest)")
    return found[1], int(found[2])


def address_on_host(text: str) -> dict[str, int | str]:
    """``10.1.0.5 on web1`` as the address ``ip`` and the name ``host``."""
    found = _ON.fullmatch(text)
    if not found:
        raise ValueError("write it like 10.1.0.5 on HOST, or as a mapping with host and ip")
    return {"ip": ipv4(found[1]), "host": found[2]}
