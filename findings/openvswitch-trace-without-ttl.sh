#!/usr/bin/env bash
# Open vSwitch 3.1 (Debian openvswitch-switch 3.1.0), user space, no root.
#
# Expected: "ofproto/trace br0 in_port=1,tcp" says what becomes of an ordinary TCP packet; what is not given does not matter,
# as in a match.
# Seen: what is not given is 0. With a rule that decrements the time to live, the trace says that the packet goes to the
# controller (reason 2, invalid TTL) and nowhere else, though every real packet is delivered. With nw_ttl=64 it is delivered.
# So: give nw_ttl in every trace through a router.
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
ovs-ofctl -OOpenFlow13 add-flow br0 'ip,actions=dec_ttl,output:2'
without=$(ovs-appctl ofproto/trace br0 in_port=1,tcp | grep Datapath)
with=$(ovs-appctl ofproto/trace br0 in_port=1,tcp,nw_ttl=64 | grep Datapath)
printf 'no TTL given: %s\nnw_ttl=64:    %s\n' "$without" "$with"
[[ $without == *'controller(reason=2,'* && $without != *,2 ]] && [ "$with" = 'Datapath actions: set(ipv4(ttl=63)),2' ]
