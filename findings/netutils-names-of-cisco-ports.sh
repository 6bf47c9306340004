#!/usr/bin/env bash
# netutils 1.19.2, by pip.
#
# Expected: canonical_interface_name gives the names that IOS-XE itself writes: Hu is HundredGigE, Fi is FiveGigabitEthernet,
# Vl10 is Vlan10 (as in "show interfaces" of a Catalyst 9000).
# Seen: HundredGigabitEthernet, FiftyGigabitEthernet and VLAN10. TwentyFiveGigE is as IOS writes it.
# So: names from "show cdp neighbors" made canonical this way do not match those of the running configuration.
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check netutils==1.19.2 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(netutils)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
from netutils.interface import canonical_interface_name as canonical
print(*(canonical(name) for name in ("Hu1/0/1", "Fi1/0/1", "Vl10", "Twe1/0/1")))
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "HundredGigabitEthernet1/0/1 FiftyGigabitEthernet1/0/1 VLAN10 TwentyFiveGigE1/0/1" ]
