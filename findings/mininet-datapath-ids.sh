#!/usr/bin/env bash
# Mininet 2.3.0.dev6, by pip (the class only; no network is made, no root).
#
# Expected: switches of different names get different datapath ids.
# Seen: the id is the first number in the name, so leaf1-1, leaf1-2 and spine1 all are 1: a controller sees one switch that
# connects again and again. There is no warning; only a name without any number is refused.
# So: give dpid= to every switch.
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check mininet==2.3.0.dev6 setuptools==69.5.1 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(mininet|setuptools)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
from mininet.node import Switch
class Named(Switch):
    def __init__(self, name):
        self.name = name
print(*(f"{name}={int(Named(name).defaultDpid(), 16)}" for name in ("leaf1-1", "leaf1-2", "spine1", "pod2leaf7")))
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "leaf1-1=1 leaf1-2=1 spine1=1 pod2leaf7=2" ]
