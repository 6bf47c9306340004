#!/usr/bin/env bash
# FRR 8.4.4 (Debian 12), as root; in a network namespace of its own, with its own sockets.
#
# Expected: eigrpd acknowledges a neighbor's first update (INIT) also where it crosses its own (RFC 7868 5.3.2: both send one,
# each is acknowledged). Our acknowledgement of its INIT does not depend on that.
# Seen: it takes our acknowledgement, is up and sends its table, and never acknowledges our INIT. When ours comes again, as it
# must, eigrpd sends an INIT of its own again, with a new number: a neighbor that takes that for a restart never gets ready.
# So: an INIT that acknowledges ours is the answer to ours.
set -eu
[ "$(id -u)" = 0 ] || { echo "needs root" >&2; exit 2; }
[ -x /usr/lib/frr/eigrpd ] || { echo "needs Debian's package frr" >&2; exit 2; }
dpkg-query -W -f '${Package} ${Version}\n' frr
n=clos-finding-$$ d=$(mktemp -d)
end() {
  for p in eigrpd zebra; do [ ! -f "$d/$p.pid" ] || kill "$(cat "$d/$p.pid")" || true; done
  ip netns del "$n"; ip netns del "$n-peer"; rm -rf "$d"
}
ip netns add "$n" && ip netns add "$n-peer"
trap end EXIT
chown frr:frr "$d"
ip link add frr0 netns "$n" type veth peer name peer0 netns "$n-peer"
ip -n "$n" addr add 10.9.0.2/24 dev frr0 && ip -n "$n" link set frr0 up
ip -n "$n-peer" addr add 10.9.0.1/24 dev peer0 && ip -n "$n-peer" link set peer0 up
echo "hostname frr" > "$d/zebra.conf"
printf 'hostname frr\nrouter eigrp 100\n network 10.9.0.0/24\n' > "$d/eigrpd.conf"
for p in zebra eigrpd; do
  nsenter --net="/run/netns/$n" "/usr/lib/frr/$p" -d -f "$d/$p.conf" -i "$d/$p.pid" -z "$d/zserv.api" --vty_socket "$d" -P 0 \
    --log "file:$d/$p.log" 2> "$d/$p.err"
  for _ in $(seq 100); do [ -S "$d/$p.vty" ] && break; sleep 0.1; done
done
out=$(nsenter --net="/run/netns/$n-peer" python3 - <<'PYTHON'
import socket, struct, time

def packet(opcode, flags=0, number=0, acknowledged=0, tlvs=b""):
    def head(checksum):
        return struct.pack("!BBHIIIHH", 2, opcode, checksum, flags, number, acknowledged, 0, 100)
    data = head(0) + tlvs
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return head(~total & 0xFFFF) + tlvs

HELLO = packet(5, tlvs=struct.pack("!HH6BH", 1, 12, 1, 0, 1, 0, 0, 0, 15) + struct.pack("!HH4B", 4, 8, 15, 0, 2, 0))
wire = socket.socket(socket.AF_INET, socket.SOCK_RAW, 88)
wire.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.0.0.10") + socket.inet_aton("10.9.0.1"))
wire.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.9.0.1"))
wire.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
wire.settimeout(0.2)

def heard(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            data = wire.recv(4096)
        except TimeoutError:
            continue
        fields = struct.unpack("!BBHIIIHH", data[20:40])
        yield {"opcode": fields[1], "flags": fields[3], "number": fields[4], "acknowledged": fields[5]}

def say(data, to="10.9.0.2"):
    wire.sendto(data, (to, 0))

say(HELLO, "224.0.0.10")
first = next(p for p in heard(30) if p["opcode"] == 1 and p["flags"] & 1)   # its INIT; ours is under way
say(packet(1, 1, 1))
say(packet(5, acknowledged=first["number"]))
acknowledged = table = False
for p in heard(4):
    say(HELLO, "224.0.0.10") if p["opcode"] == 5 else None
    acknowledged |= p["acknowledged"] == 1
    if p["opcode"] == 1:
        table = True
        say(packet(5, acknowledged=p["number"]))
print("its table comes:", table)
print("it acknowledges our INIT:", acknowledged)
say(packet(1, 1, 1))
again = next((p for p in heard(4) if p["opcode"] == 1 and p["flags"] & 1), None)
print("our INIT comes again, it sends one of its own:", again is not None and again["acknowledged"] == 1)
PYTHON
)
printf '%s\n' "$out"
[ "$out" = "its table comes: True
it acknowledges our INIT: False
our INIT comes again, it sends one of its own: True" ]
