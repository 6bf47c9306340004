#!/usr/bin/env bash
# Open vSwitch 3.1 (Debian openvswitch-switch 3.1.0), user space, no root.
#
# Expected: a packet with an action set that goes to a table where no rule matches is dropped (OpenFlow 1.3.5, 5.4: a
# table without a table-miss entry drops what it does not match).
# Seen: it is not dropped: its action set is executed, and it leaves by port 2. With an explicit rule of priority 0 that
# clears the actions it is dropped.
# So: "deny by default" in a later table needs a rule of its own.
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
ovs-ofctl -OOpenFlow13 add-flow br0 'table=0,actions=write_actions(output:2),goto_table:1'
ovs-ofctl -OOpenFlow13 add-flow br0 'table=1,priority=5,udp,actions=clear_actions'
missed=$(ovs-appctl ofproto/trace br0 in_port=1,tcp | grep Datapath)
ovs-ofctl -OOpenFlow13 add-flow br0 'table=1,priority=0,actions=clear_actions'
cleared=$(ovs-appctl ofproto/trace br0 in_port=1,tcp | grep Datapath)
printf 'no rule in table 1: %s\nwith clear_actions: %s\n' "$missed" "$cleared"
[ "$missed" = 'Datapath actions: 2' ] && [ "$cleared" = 'Datapath actions: drop' ]
