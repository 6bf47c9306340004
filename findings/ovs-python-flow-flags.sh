#!/usr/bin/env bash
# The package ovs 4.0.0 of PyPI (Open vSwitch's own Python parser of flows), by pip, on lines that Open vSwitch 3.1 prints
# for a rule with flags.
#
# Expected: the parser reads what "ovs-ofctl dump-flows" prints, flags included.
# Seen: flags stand between blanks, not commas. In OpenFlow 1.3's form two flags become one key of both words; in the form with
# idle_age (OpenFlow 1.0, 1.5, or none asked for) a rule with send_flow_rem is a ParseError.
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check 'ovs[flow]==4.0.0' 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(ovs)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
from ovs.flow.ofp import OFPFlow
START = " cookie=0x0, duration=0.2s, table=5, n_packets=0, n_bytes=0, "
for flags in ("send_flow_rem ", "check_overlap reset_counts ", "send_flow_rem idle_age=0, "):
    try:
        print([key for key in OFPFlow(START + flags + "priority=9,udp,tp_dst=5 actions=output:2").info if key in flags])
    except Exception as error:
        print(type(error).__name__)
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "['send_flow_rem']
['check_overlap reset_counts']
ParseError" ]
