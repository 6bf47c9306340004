#!/usr/bin/env bash
# scapy 2.8.0, by pip.
#
# Expected: HSRP's state names hold for the version that the packet says: in version 2 (RFC 2281's successor, UDP group
# 224.0.0.102) states are numbered 1 to 6, Active is 6.
# Seen: one table for both versions, version 1's: 16 is Active, and 6 has no name. An HSRPv2 "Active" hello is shown as 6.
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check scapy==2.8.0 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(scapy)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
from scapy.layers.hsrp import HSRP
states = next(f for f in HSRP.fields_desc if f.name == "state").i2s
print("16:", states.get(16), " 6:", states.get(6), " 5:", states.get(5))
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "16: Active  6: None  5: None" ]
