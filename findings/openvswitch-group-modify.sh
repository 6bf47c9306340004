#!/usr/bin/env bash
# Open vSwitch 3.1 (Debian openvswitch-switch 3.1.0), user space, no root.
#
# Expected: OFPGC_MODIFY leaves a group's own packet and byte counters as they are and starts its buckets' at 0 (OpenFlow
# 1.3.5, 7.3.4.2); a change to what is there already changes nothing.
# Seen: the group's own counters go back to 0 too, also when the message repeats what the group holds. Its duration goes on, and so
# do the counters of the flow that sends to it: rates from counter and duration are wrong after a change.
set -eu
d=$(mktemp -d)
trap 'kill $(cat "$d"/*.pid) 2>/dev/null; rm -rf "$d"' EXIT
export OVS_RUNDIR=$d OVS_LOGDIR=$d OVS_DBDIR=$d OVS_SYSCONFDIR=$d PATH=$PATH:/usr/sbin
ovs-vswitchd --version | head -1
ovsdb-tool create "$d/conf.db" /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server "$d/conf.db" --remote="punix:$d/db.sock" --pidfile="$d/ovsdb-server.pid" --detach --no-chdir --log-file="$d/db.log" 2>/dev/null
ovs-vsctl --no-wait init
ovs-vswitchd "unix:$d/db.sock" --pidfile="$d/ovs-vswitchd.pid" --detach --no-chdir --enable-dummy=override --disable-system --log-file="$d/sw.log" 2>/dev/null
ovs-vsctl add-br br0 -- set bridge br0 fail-mode=secure protocols=OpenFlow13 \
    -- add-port br0 p1 -- set interface p1 type=dummy ofport_request=1 -- add-port br0 p2 -- set interface p2 type=dummy ofport_request=2
ovs-ofctl -OOpenFlow13 add-group br0 'group_id=1,type=all,bucket=output:2'
ovs-ofctl -OOpenFlow13 add-flow br0 'udp,actions=group:1'
frame='eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no)'
for _ in 1 2 3 4 5; do ovs-appctl netdev-dummy/receive p1 "in_port(1),$frame,udp(src=1,dst=2)" >/dev/null; done
shown() {
  ovs-ofctl -OOpenFlow13 dump-group-stats br0 group_id=1 | grep -o ',packet_count=[0-9]*' | tr -dc 0-9
}
for _ in $(seq 50); do [ "$(shown)" = 5 ] && break; sleep 0.2; done
before=$(shown)
ovs-ofctl -OOpenFlow13 mod-group br0 'group_id=1,type=all,bucket=output:2'
after=$(shown)
lasting=$(ovs-ofctl -OOpenFlow13 dump-group-stats br0 group_id=1 | grep -o 'duration=[0-9.]*')
flow=$(ovs-ofctl -OOpenFlow13 dump-flows br0 udp | grep -o 'n_packets=[0-9]*')
echo "packets of the group: $before; after MODIFY to the same: $after; its $lasting s; the flow's $flow"
[ "$before $after $flow" = '5 0 n_packets=5' ] && [ "${lasting#duration=}" != 0.000 ]
