#!/usr/bin/env bash
# hier-config 3.7.1, by pip.
#
# Expected: a trunk that exchanges one VLAN of its list for another gets the new list, which replaces the old one at once.
# Seen: first "no switchport trunk allowed vlan ...", which on IOS means *all* VLANs, whatever is written behind it, then the new
# list. Between the two lines the trunk carries every VLAN, and each of their spanning trees hears of it.
# So: write the list alone, or "add" and "remove".
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check hier-config==3.7.1 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(hier[-_]config)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
from hier_config import Platform, WorkflowRemediation, get_hconfig
running = "interface GigabitEthernet0/1\n switchport trunk allowed vlan 10,20\n"
generated = "interface GigabitEthernet0/1\n switchport trunk allowed vlan 10,30\n"
flow = WorkflowRemediation(*(get_hconfig(Platform.CISCO_IOS, text) for text in (running, generated)))
print(*(line.cisco_style_text().strip() for line in flow.remediation_config.all_children_sorted()), sep="\n")
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "interface GigabitEthernet0/1
no switchport trunk allowed vlan 10,20
switchport trunk allowed vlan 10,30" ]
