#!/usr/bin/env bash
# ntc-templates 9.3.0, by pip.
#
# Expected: "show vpc" of cisco_nxos gives the vPCs, and says of the pair that its peer link is down and that the peers do not
# agree: what the command is typed for.
# Seen: the peer link is a row like a vPC, and neither the state of the pair nor any consistency is anywhere.
# So: read NX-OS' own JSON, or the text; count the rows against "Number of vPCs configured".
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check ntc-templates==9.3.0 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(ntc[-_]templates)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
from ntc_templates.parse import parse_output
TEXT = """vPC domain id                     : 7
Peer status                       : peer link is down
vPC keep-alive status             : peer is alive
Configuration consistency status  : failed
Per-vlan consistency status       : success
Type-2 consistency status         : success
vPC role                          : primary
Number of vPCs configured         : 1
Peer Gateway                      : Disabled

vPC Peer-link status
---------------------------------------------------------------------
id    Port   Status Active vlans
--    ----   ------ --------------------------------------------------
1     Po1    down   -

vPC status
----------------------------------------------------------------------
id    Port   Status Consistency Reason                     Active vlans
--    ----   ------ ----------- ------                     ------------
20    Po20   up     failed      vPC type-1 configuration   -
                                incompatible
"""
for row in parse_output("cisco_nxos", "show vpc", TEXT):
    print(*(f"{name}={value}" for name, value in row.items()))
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "id=1 port=Po1 status=down
id=20 port=Po20 status=up" ]
