#!/usr/bin/env bash
# FRR 8.4.4 (Debian frr), no root, no daemon is started.
#
# Expected: "bgpd -C -f FILE" ("check configuration and exit") ends with a code other than 0 where the file has a line that
# bgpd does not know, as "vtysh -C -f FILE" does.
# Seen: it names the lines and exits with 0. vtysh exits with 2. (The input is an ordinary file with one word spelt as the
# British do.)
# So: check by vtysh in scripts, or read bgpd's output.
set -u
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
chmod 755 "$d"  # bgpd reads the file as its own user
cat > "$d/bgp.conf" <<'CONF'
router bgp 65001
 neighbor 10.0.0.2 remote-as 65002
 neighbour 10.0.0.3 remote-as 65002
CONF
/usr/lib/frr/bgpd --version | head -1
/usr/lib/frr/bgpd -C -f "$d/bgp.conf" > "$d/bgpd.out" 2>&1
bgpd=$?
vtysh -C -f "$d/bgp.conf" > "$d/vtysh.out" 2>&1
vtysh=$?
grep -ho 'No such command on config line 3.*' "$d/bgpd.out"
grep -h 'Unknown command' "$d/vtysh.out"
echo "bgpd -C: $bgpd, vtysh -C: $vtysh"
grep -q 'No such command on config line 3' "$d/bgpd.out" && [ "$bgpd" = 0 ] && [ "$vtysh" = 2 ]
