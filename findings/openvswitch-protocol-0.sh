#!/usr/bin/env bash
# Open vSwitch 3.1 (Debian openvswitch-switch 3.1.0), user space, no root.
#
# Expected: dec_ttl and set_field on IPv4 addresses apply to every IPv4 packet, whatever its protocol number.
# Seen: packets of IP protocol 0 leave with their old time to live and their old address; protocols 1, 6, 17, 47 and 255
# are rewritten. IPv6 packets with a next header of 0 are not rewritten either. No error, no log line, and the flow table
# shows the actions as they were given.
# So: a rule that routes by rewriting must not be trusted for protocol 0; match and drop it before.
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
ovs-ofctl -OOpenFlow13 add-flow br0 'ip,actions=dec_ttl,set_field:10.9.9.9->ip_dst,output:2'
ovs-ofctl -OOpenFlow13 add-flow br0 'ipv6,actions=set_field:2001:db8::9->ipv6_dst,output:2'
out=$(for p in 0 1 17 47 255; do
    echo "IPv4 protocol $p: $(ovs-appctl ofproto/trace br0 "in_port=1,ip,nw_proto=$p,nw_ttl=64,nw_dst=10.0.0.1" | grep Datapath)"
done
for p in 0 59; do
    echo "IPv6 next header $p: $(ovs-appctl ofproto/trace br0 "in_port=1,ipv6,nw_proto=$p,nw_ttl=64,ipv6_dst=2001:db8::1" | grep Datapath)"
done)
printf '%s\n' "$out"
four='Datapath actions: set(ipv4(dst=10.9.9.9,ttl=63)),2'
[ "$out" = "IPv4 protocol 0: Datapath actions: 2
IPv4 protocol 1: $four
IPv4 protocol 17: $four
IPv4 protocol 47: $four
IPv4 protocol 255: $four
IPv6 next header 0: Datapath actions: 2
IPv6 next header 59: Datapath actions: set(ipv6(dst=2001:db8::9)),2" ]
