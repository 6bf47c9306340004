#!/usr/bin/env bash
# ntc-templates 9.3.0, by pip.
#
# Expected: "show standby" of cisco_ios tells 250 ms from 250 s, gives the configured priority beside the one that tracking left,
# and each tracked object.
# Seen: hello_time "250" without its unit, priority 100 where 110 is configured, the second of two tracked objects.
# So: take HSRP's settings from the running configuration.
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check ntc-templates==9.3.0 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(ntc[-_]templates)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
from ntc_templates.parse import parse_output
TEXT = """Vlan10 - Group 10
  State is Active
    2 state changes, last state change 00:01:02
  Virtual IP address is 10.0.0.1
  Active virtual MAC address is 0000.0c07.ac0a
    Local virtual MAC address is 0000.0c07.ac0a (v1 default)
  Hello time 250 msec, hold time 750 msec
    Next hello sent in 0.100 secs
  Preemption enabled
  Active router is local
  Standby router is 10.0.0.3, priority 90 (expires in 0.700 sec)
  Priority 100 (configured 110)
    Track object 1 state Down decrement 10
    Track object 2 state Up decrement 20
  Group name is "hsrp-Vl10-10" (default)
"""
(group,) = parse_output("cisco_ios", "show standby", TEXT)
print(*(group[key] for key in ("hello_time", "hold_time", "priority", "track_item", "track_state")))
print("110" in group.values())
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "250 750 100 2 Up
False" ]
