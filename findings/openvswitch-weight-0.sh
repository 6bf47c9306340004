#!/usr/bin/env bash
# Open vSwitch 3.1 (Debian openvswitch-switch 3.1.0), user space, no root.
#
# Expected: a SELECT group whose buckets all have weight 0 is refused, or spreads packets evenly: OpenFlow 1.3.5, 5.6.1 wants a
# weight for SELECT groups, and ovs-ofctl takes a bucket without one.
# Seen: both are accepted. Without a weight packets leave; with "weight:0" the group is a black hole.
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
ovs-ofctl -OOpenFlow13 add-group br0 'group_id=1,type=select,bucket=output:2'
ovs-ofctl -OOpenFlow13 add-group br0 'group_id=2,type=select,bucket=weight:0,output:2'
ovs-ofctl -OOpenFlow13 add-flow br0 'tcp,actions=group:1'
ovs-ofctl -OOpenFlow13 add-flow br0 'udp,actions=group:2'
none=$(ovs-appctl ofproto/trace br0 in_port=1,tcp | grep Datapath | tail -1)
zero=$(ovs-appctl ofproto/trace br0 in_port=1,udp | grep Datapath | tail -1)
printf 'no weight: %s\nweight 0: %s\n' "$none" "$zero"
[ "$none" != 'Datapath actions: drop' ] && [ "$zero" = 'Datapath actions: drop' ]
