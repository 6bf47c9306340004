#!/usr/bin/env bash
# tc of iproute2 6.1.0 (Debian iproute2), in a network namespace of its own (root, or a kernel that lets users have one).
#
# Expected: "tc -json" gives JSON for classes as for queueing disciplines, with rates as the text form has them (bits).
# Seen: "tc -json class show" of an htb class prints the same plain text as without -json; and "tc -json qdisc show" of tbf
# says "rate": 1000000 where the text says 8Mbit: bytes per second.
# So: multiply by 8, and parse classes as text.
set -eu
tc -V
unshare --net bash -eu <<'NAMESPACE'
ip link add va type veth peer name vb
tc qdisc add dev va root tbf rate 8mbit burst 20000 limit 100000
tc qdisc add dev vb root handle 1: htb
tc class add dev vb parent 1: classid 1:1 htb rate 8mbit
text=$(tc qdisc show dev va)
json=$(tc -json qdisc show dev va)
class=$(tc -json class show dev vb)
printf '%s\n' "$text" "$json" "$class"
[[ $text == *'rate 8Mbit'* && $json == *'"rate":1000000,'* && $class == 'class htb 1:1 root prio 0 rate 8Mbit'* ]]
NAMESPACE
