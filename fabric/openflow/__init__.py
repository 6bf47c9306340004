"""OpenFlow 1.3 as bytes, sans-I/O: one codec for the simulator's switches and the controller.

    frames = Framer().feed(data)              # bytes off a stream -> whole frames
    message, xid = decode(frames[0])          # DecodeError carries the error a switch answers
    data = encode(BarrierRequest(), xid=7)
    data = pack_block(block)                  # the hot path: flow-mods of a block, packed once for all switches

Messages are in ``messages`` and ``multipart``, numbers in ``constants`` and ``errors``. Knows no sockets.
"""

from clos.fabric.openflow.codec import answer, decode, encode, encode_pages
from clos.fabric.openflow.errors import DecodeError
from clos.fabric.openflow.flow import pack_block, pack_rule, rule_xid
from clos.fabric.openflow.frame import Framer
from clos.fabric.openflow.messages import Message

__all__ = [
    "DecodeError",
    "Framer",
    "Message",
    "answer",
    "decode",
    "encode",
    "encode_pages",
    "pack_block",
    "pack_rule",
    "rule_xid",
]
