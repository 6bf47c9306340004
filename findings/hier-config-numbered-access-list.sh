#!/usr/bin/env bash
# hier-config 3.7.1, by pip.
#
# Expected: where the generated configuration has one line more in the middle of a numbered access list, the remediation makes the
# list anew, or numbers the line, so that it stands before the final deny; it does so for named lists.
# Seen: the line alone. A device appends it behind "deny any", where it never matches.
# So: replace numbered access lists whole.
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check hier-config==3.7.1 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(hier[-_]config)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
from hier_config import Platform, WorkflowRemediation, get_hconfig
running = "access-list 10 permit 10.0.0.0 0.0.255.255\naccess-list 10 deny any\n"
generated = "access-list 10 permit 10.0.0.0 0.0.255.255\naccess-list 10 permit 10.1.0.0 0.0.255.255\naccess-list 10 deny any\n"
flow = WorkflowRemediation(*(get_hconfig(Platform.CISCO_IOS, text) for text in (running, generated)))
print([line.cisco_style_text() for line in flow.remediation_config.all_children_sorted()])
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "['access-list 10 permit 10.1.0.0 0.0.255.255']" ]
