#!/usr/bin/env bash
# os-ken 4.2.2, by pip.
#
# Expected: a valid SCTP packet that os_ken.lib.packet reads and writes again is the same, or has another valid CRC32c (RFC 9260,
# appendix A): 2636593013 as read.
# Seen: whatever the packet is, the checksum written is wrong: it is taken over the text of a bytearray, not over its bytes. A
# controller that sends such a packet out sends it to be dropped.
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check os-ken==4.2.2 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(os[-_]ken)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
from os_ken.lib.packet import packet, sctp

def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return (crc ^ 0xFFFFFFFF).to_bytes(4, "little")

for port in (5, 3868):
    written = packet.Packet(protocols=[sctp.sctp(port, 6, 7, 0, [sctp.chunk_init(init_tag=1)])])
    written.serialize()
    data = bytes(written.data)
    print(data[8:12] == crc32c(data[:8] + bytes(4) + data[12:]), data[8:12] == crc32c(str(bytearray(data[:8] + bytes(4) + data[12:])).encode()))
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "False True
False True" ]
