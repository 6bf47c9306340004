#!/usr/bin/env bash
# Open vSwitch 3.1 (Debian openvswitch-switch 3.1.0), user space, no root.
#
# Expected: a GROUP_MOD that deletes a group may repeat the group's buckets, as ADD and MODIFY carry them: a delete goes by
# the group's number, and OpenFlow 1.3.5 (7.3.4.2) refuses no delete for what else the message holds.
# Seen: with buckets the delete fails as OFPET_GROUP_MOD_FAILED (6), OFPGMFC_INVALID_GROUP (1), and the group stays; without, it passes.
set -eu
d=$(mktemp -d)
trap 'kill $(cat "$d"/*.pid) 2>/dev/null; rm -rf "$d"' EXIT
export OVS_RUNDIR=$d OVS_LOGDIR=$d OVS_DBDIR=$d OVS_SYSCONFDIR=$d PATH=$PATH:/usr/sbin
ovs-vswitchd --version | head -1
ovsdb-tool create "$d/conf.db" /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server "$d/conf.db" --remote="punix:$d/db.sock" --pidfile="$d/ovsdb-server.pid" --detach --no-chdir --log-file="$d/db.log" 2>/dev/null
ovs-vsctl --no-wait init
ovs-vswitchd "unix:$d/db.sock" --pidfile="$d/ovs-vswitchd.pid" --detach --no-chdir --enable-dummy=override --disable-system --log-file="$d/sw.log" 2>/dev/null
ovs-vsctl add-br br0 -- set bridge br0 fail-mode=secure protocols=OpenFlow13 -- add-port br0 p1 -- set interface p1 type=dummy ofport_request=1
python3 - "$d/br0.mgmt" <<'PYTHON' >"$d/errors"
import socket, struct, sys

switch = socket.socket(socket.AF_UNIX)
switch.connect(sys.argv[1])


def message(kind, body=b""):
    switch.sendall(struct.pack("!BBHI", 4, kind, 8 + len(body), 1) + body)


def errors():
    """Type and code of every error before the answer to a barrier."""
    message(20)
    while True:
        head = switch.recv(8, socket.MSG_WAITALL)
        body = switch.recv(struct.unpack("!BBHI", head)[2] - 8, socket.MSG_WAITALL)
        if head[1] == 1:
            yield "%d/%d" % struct.unpack("!HH", body[:4])
        if head[1] == 21:
            return


output = struct.pack("!HHIH6x", 0, 16, 1, 0)
bucket = struct.pack("!HHII4x", 16 + len(output), 0, 0xFFFFFFFF, 0xFFFFFFFF) + output
message(0)
message(15, struct.pack("!HBxI", 0, 0, 7) + bucket)  # ADD an ALL group
print("add:", *errors())
message(15, struct.pack("!HBxI", 2, 0, 7) + bucket)  # DELETE
print("delete with buckets:", *errors())
PYTHON
left=$(ovs-ofctl -OOpenFlow13 dump-groups br0 | grep -c group_id=7 || true)
ovs-ofctl -OOpenFlow13 del-groups br0 group_id=7
after=$(ovs-ofctl -OOpenFlow13 dump-groups br0 | grep -c group_id=7 || true)
cat "$d/errors"
echo "groups after it: $left; after a delete without buckets: $after"
[ "$(cat "$d/errors")" = $'add:\ndelete with buckets: 6/1' ] && [ "$left$after" = 10 ]
