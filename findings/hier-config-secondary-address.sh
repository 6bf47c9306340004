#!/usr/bin/env bash
# hier-config 3.7.1, by pip.
#
# Expected: where the running configuration has a secondary address that the generated one has not, the remediation takes it
# away ("no ip address 10.0.1.1 255.255.255.0 secondary"), as it adds it in the other direction.
# Seen: the remediation is empty: the device is said to be as it should be, and the address stays.
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check hier-config==3.7.1 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(hier[-_]config)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
from hier_config import Platform, WorkflowRemediation, get_hconfig
one = "interface Vlan10\n ip address 10.0.0.1 255.255.255.0\n"
two = one + " ip address 10.0.1.1 255.255.255.0 secondary\n"
def remedy(running, generated):
    flow = WorkflowRemediation(*(get_hconfig(Platform.CISCO_IOS, text) for text in (running, generated)))
    return [line.cisco_style_text().strip() for line in flow.remediation_config.all_children_sorted()]
print("to take away:", remedy(two, one))
print("to add:", remedy(one, two))
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "to take away: []
to add: ['interface Vlan10', 'ip address 10.0.1.1 255.255.255.0 secondary']" ]
