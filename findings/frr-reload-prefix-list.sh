#!/usr/bin/env bash
# FRR 8.4.4 (Debian frr and frr-pythontools 8.4.4), as root; one bgpd of its own, no other daemon.
#
# Expected: after frr-reload.py a prefix list without sequence numbers is the file's, or the next --test names the difference.
# Seen: the file changes the first line, a permit in front of a final deny of everything. frr-reload.py adds the new line without a
# number and takes the old one away: it stands behind the deny and permits nothing. The next --test has no line to add or to delete.
set -eu
d=$(mktemp -d)
trap 'kill $(cat "$d"/bgpd.pid) 2>/dev/null; rm -rf "$d"' EXIT
dpkg-query -W -f '${Package} ${Version}\n' frr frr-pythontools
touch "$d/vtysh.conf" "$d/bgpd.conf" # frr-reload.py has the daemon save its configuration to its own file
/usr/lib/frr/bgpd -d -Z -S -p 0 -P 0 -i "$d/bgpd.pid" --vty_socket "$d" -f "$d/bgpd.conf" --log "file:$d/bgpd.log"
reload() {
  python3 /usr/lib/frr/frr-reload.py "--$1" --stdout --vty_socket "$d" --bindir /usr/bin --confdir "$d" --rundir "$d" "$d/$2.conf" 2>&1
}
printf 'ip prefix-list OUT permit 10.0.0.0/8 le 24\nip prefix-list OUT deny 0.0.0.0/0 le 32\n' >"$d/old.conf"
printf 'ip prefix-list OUT permit 10.0.0.0/8 le 28\nip prefix-list OUT deny 0.0.0.0/0 le 32\n' >"$d/new.conf"
shown() {
  vtysh --vty_socket "$d" -c 'show running-config' | grep '^ip prefix-list'
}
reload reload old >"$d/log"
echo "before:" && shown
reload reload new >"$d/log"
echo "after new.conf ($(tr '\n' ';' <"$d/new.conf")):" && shown
told=$(reload test new | sed -n '/^Lines To/,$p' | grep -c prefix-list || true)
echo "lines of prefix lists that --test new.conf would add or delete: $told"
[ "$(shown | sed 's/ seq [0-9]*//')" = $'ip prefix-list OUT deny 0.0.0.0/0 le 32\nip prefix-list OUT permit 10.0.0.0/8 le 28' ] && [ "$told" = 0 ]
