#!/usr/bin/env bash
# scapy 2.8.0, by pip.
#
# Expected: LLC behind an 802.1Q tag carries the length of the frame's payload in the two bytes after the tag, as it does
# without a tag (Dot3/LLC), as IEEE 802.1Q says and switches send it (PVST+).
# Seen: scapy writes the type 0x8870 (802.1AC's number for LLC in jumbo frames) there. Dot3/LLC has the length 0x0026.
# So: give type=LENGTH to Dot1Q by hand for PVST+ and the like.
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check scapy==2.8.0 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(scapy)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
from scapy.layers.l2 import LLC, SNAP, STP, Dot1Q, Dot3, Ether
head = dict(dst="01:00:0c:cc:cc:cd", src="02:00:00:00:00:01")
tagged = bytes(Ether(**head) / Dot1Q(vlan=10) / LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(OUI=0x0C, code=0x10B) / STP())
plain = bytes(Dot3(**head) / LLC() / STP())
print("behind the tag:", tagged[16:18].hex(), " without a tag:", plain[12:14].hex())
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "behind the tag: 8870  without a tag: 0026" ]
