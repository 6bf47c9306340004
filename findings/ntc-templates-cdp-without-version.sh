#!/usr/bin/env bash
# ntc-templates 9.3.0, by pip.
#
# Expected: "show cdp neighbors detail" of cisco_ios gives a row for each neighbour; "Version" is empty where a neighbour
# sent none.
# Seen: the neighbour is left out without a word.
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check ntc-templates==9.3.0 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(ntc[-_]templates)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
from ntc_templates.parse import parse_output
ONE = """-------------------------
Device ID: {name}
Entry address(es):
  IP address: 192.0.2.9
Platform: cisco WS-C3750,  Capabilities: Switch IGMP
Interface: GigabitEthernet0/1,  Port ID (outgoing port): GigabitEthernet1/0/24
Holdtime : 150 sec

{version}advertisement version: 2
Duplex: full

"""
text = ONE.format(name="acc1", version="") + ONE.format(name="acc2", version="Version :\nCisco IOS Software\n\n")
print(*(row["neighbor_name"] for row in parse_output("cisco_ios", "show cdp neighbors detail", text)))
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "acc2" ]
