"""tshark as a judge of packets: what it reads in them, and whether it complains."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

TSHARK = shutil.which("tshark")
_WARNING = 0x60_0000


def dissected(frames: Iterable[bytes], folder: Path) -> list[dict[str, Any]]:
    """The layers of Ethernet frames as tshark has them, one object a frame."""
    capture = folder / "frames.pcap"
    capture.write_bytes(
        struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
        + b"".join(struct.pack("<IIII", n, 0, len(f), len(f)) + f for n, f in enumerate(frames))
    )
    # A profile of its own: what the user's profile switches off would change the answer.
    options = ["-o", "eigrp.check_checksum:TRUE"] if _knows("eigrp.check_checksum") else []
    done = subprocess.run(
        [str(TSHARK), "-r", str(capture), "-T", "json", "--no-duplicate-keys", *options],
        capture_output=True,
        check=True,
        text=True,
    )
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


def complaints(layers: Any) -> list[str]:
    """What tshark finds wrong in a frame: warnings, errors and malformed parts, however deep (notes are none)."""
    if isinstance(layers, list):
        return [text for item in layers for text in complaints(item)]
    if not isinstance(layers, dict):
        return []
    grave = int(layers.get("_ws.expert.severity", "0")) >= _WARNING
    own = [str(v) for k, v in layers.items() if k == "_ws.malformed" or (grave and k == "_ws.expert.message")]
    return own + [text for value in layers.values() for text in complaints(value)]


def ipv4_frame(source: int, destination: int, protocol: int, payload: bytes) -> bytes:
    """An Ethernet frame with an IPv4 packet of any protocol, time to live 1."""
    head = struct.pack("!BBHHHBBHII", 0x45, 0xC0, 20 + len(payload), 1, 0, 1, protocol, 0, source, destination)
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + (0xFFFF - (total & 0xFFFF) - (total >> 16)).to_bytes(2) + head[12:]
    multicast = 0x0100_5E00_0000 | destination & 0x7F_FFFF
    return multicast.to_bytes(6) + bytes.fromhex("020000000001") + b"\x08\x00" + head + payload


def udp(source_port: int, destination_port: int, payload: bytes) -> bytes:
    """A UDP datagram without a checksum (allowed over IPv4)."""
    return struct.pack("!HHHH", source_port, destination_port, 8 + len(payload), 0) + payload


def _knows(preference: str) -> bool:
    shown = subprocess.run([str(TSHARK), "-G", "currentprefs"], capture_output=True, text=True, check=False)
    return preference in shown.stdout
