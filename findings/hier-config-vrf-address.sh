#!/usr/bin/env bash
# hier-config 3.7.1, by pip.
#
# Expected: an interface that goes into a VRF keeps its address in the remediation: on IOS "vrf forwarding" takes all
# addresses off, so a tool that knows the platform writes the address again behind it.
# Seen: "vrf forwarding A" alone, because the address is equal on both sides. After it the interface has no address.
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check hier-config==3.7.1 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(hier[-_]config)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
from hier_config import Platform, WorkflowRemediation, get_hconfig
running = "interface Vlan10\n ip address 10.0.0.1 255.255.255.0\n"
generated = "interface Vlan10\n vrf forwarding A\n ip address 10.0.0.1 255.255.255.0\n"
flow = WorkflowRemediation(*(get_hconfig(Platform.CISCO_IOS, text) for text in (running, generated)))
print([line.cisco_style_text().strip() for line in flow.remediation_config.all_children_sorted()])
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "['interface Vlan10', 'vrf forwarding A']" ]
