#!/usr/bin/env bash
# ntc-templates 9.3.0, by pip.
#
# Expected: "show spanning-tree" of cisco_ios gives a row for each port, also for one that is inconsistent (BKN*), the port
# that the command is most often typed for; or an error.
# Seen: that port is left out without a word: three ports in, two rows out, no error.
# So: count the rows of the text, and compare.
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check ntc-templates==9.3.0 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(ntc[-_]templates)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
from ntc_templates.parse import parse_output
TEXT = """VLAN0010
  Spanning tree enabled protocol rstp
  Root ID    Priority    4106
             Address     0200.0000.0001
             This bridge is the root
             Hello Time   2 sec  Max Age 20 sec  Forward Delay 15 sec

  Bridge ID  Priority    4106   (priority 4096 sys-id-ext 10)
             Address     0200.0000.0001
             Hello Time   2 sec  Max Age 20 sec  Forward Delay 15 sec
             Aging Time  300 sec

Interface           Role Sts Cost      Prio.Nbr Type
------------------- ---- --- --------- -------- --------------------------------
Gi1/0/1             Desg FWD 4         128.1    P2p
Gi1/0/2             Desg BKN*4         128.2    P2p *TYPE_Inc
Gi1/0/3             Desg FWD 4         128.3    P2p Edge

"""
print(*(row["interface"] for row in parse_output("cisco_ios", "show spanning-tree", TEXT)))
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "Gi1/0/1 Gi1/0/3" ]
