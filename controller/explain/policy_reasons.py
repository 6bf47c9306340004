"""Why a packet passes or not, in words: the policy line that permits it, the lines that nearly do, or the address
that admission does not know.

Lives here: sentences about intents and walks. Must not know: flags, files but for quoting a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.text import Text

from clos.controller.explain.questions import Probe
from clos.controller.intent.model import ALLOW, EVERYONE, JOINED, Endpoint, Intent, Policy, Share, Where, protocol_name
from clos.controller.intent.reach import End, Flow, Ruling, between, has
from clos.fabric.packet.fields import VID_NONE, VID_PRESENT, ipv4_text, text
from clos.fabric.topology import Topology


def flow_text(flow: Flow) -> str:
    """``tcp/1433``, ``icmp``."""
    name = protocol_name(flow.proto)
    return name if flow.target_port is None else f"{name}/{flow.target_port}"


def end_text(end: End) -> str:
    names = [name for name in end.groups if JOINED not in name]
    groups = f"groups {', '.join(names)}" if names else "in no group"
    return f"{end} ({ipv4_text(end.endpoint.ip)}, network {end.endpoint.network}, {groups})"


def speaks(by: Policy | Share, allowed: bool = True) -> str:
    """What a policy or share says, in a sentence without its end, and the ticket behind it.

    ``allowed``: of a share, False where an import of it denies.
    """
    ticket = f" (ticket {by.ticket})" if by.ticket else ""
    services = " and ".join(map(str, by.services))
    if isinstance(by, Policy):
        verb = "lets group {} open" if by.action == ALLOW else "forbids group {} to open"
        via = f" via {by.via}" if by.via else ""
        return f"policy {by.name} {verb.format(by.source)} {services} to {by.target}{via}{ticket}"
    if not allowed:
        return f"an import of share {by.name} of tenant {by.tenant} denies it"
    users = " and ".join(by.to) or "all tenants" + (f" but {' and '.join(by.without)}" if by.without else "")
    return f"share {by.name} of tenant {by.tenant} opens {services} of group {by.group} to {users}{ticket}"


def because(intent: Intent, source: End, target: End, flow: Flow | str, decided: Ruling) -> Iterator[Text | str]:
    """The decision and the lines behind it. ``flow``: what is asked about, or its name."""
    if decided.astray:
        yield _verdict(False, f"Not the fabric's to forward: {decided.astray}.")
        return
    word = flow if isinstance(flow, str) else flow_text(flow)
    if decided.by is not None:
        permitted = f"Permitted via {decided.via}" if decided.via else "Permitted"
        verdict = permitted if decided.allowed else "Denied"
        as_reply = "; these packets are its replies" if decided.reply else ""
        yield _verdict(decided.allowed, f"{verdict}: {speaks(decided.by, decided.allowed)}{as_reply}.")
        yield from quoted((decided.wish or decided.by).where)
        yield from _described(decided.by)
        return
    yield _verdict(False, f"Denied: no policy or share permits {word} from {source} to {target} (default deny).")
    yield from _not_in_force(source, target)
    near, answers = between(intent, source, target), between(intent, target, source)
    if near:
        yield "Policies and shares between these two:"
        yield from _listed(near)
    elif answers:
        yield f"It may only reply to what {target} opens:"
        yield from _listed(answers)
    elif source.tenant.name == target.tenant.name:
        one, other = source.endpoint.name, target.endpoint.name
        yield f"No policy of tenant {source.tenant.name} is from a group of {one} to a group of {other}."
    else:
        yield from _unshared(intent, source, target)


def _listed(said: Iterable[Policy | Share]) -> Iterator[Text | str]:
    for by in said:
        yield f"  {speaks(by)}."
        yield from quoted(by.where)
        yield from _described(by)


def _described(by: Policy | Share) -> Iterator[str]:
    yield from (f"    {line}" for line in by.description.splitlines())


def _not_in_force(source: End, target: End) -> Iterator[Text | str]:
    """Policies between these two that are written but disabled."""
    for policy in source.tenant.disabled if source.tenant.name == target.tenant.name else ():
        if _within(source, policy.source) and _within(target, policy.target):
            yield f"Not in force (enabled: false): {speaks(policy)}."
            yield from quoted(policy.where)
            yield from _described(policy)


def _within(end: End, names: str) -> bool:
    """Whether an endpoint is in a group, or in any of a list; a group that only disabled policies speak of is none."""
    known = end.tenant.groups
    return any(name in EVERYONE if name not in known else end.within(name) for name in names.split(JOINED))


def _unshared(intent: Intent, source: End, target: End) -> Iterator[Text | str]:
    """Why two tenants do not meet: no offer, no consent, or not for these groups."""
    user, owner = source.tenant, target.tenant
    offers = [s for s in intent.shares.values() if s.tenant == owner.name and s.offers_to(user.name)]
    if not offers:
        yield f"Tenants are isolated by default: {owner.name} shares nothing with {user.name}."
    wishes = {wish.share: wish for wish in user.imports if wish.tenant == owner.name}
    for share in offers:
        wish = wishes.get(share.name)
        if wish is None:
            yield f"Tenant {owner.name} offers share {share.name}, but {user.name} does not import it."
        elif not target.within(share.group):
            yield f"Share {share.name} offers group {share.group}, and {target.endpoint.name} is not in it."
        else:
            groups = " and ".join(wish.groups)
            yield f"{user.name} imports share {share.name} for {groups}, and {source.endpoint.name} is in none of them."
        yield from quoted(share.where if wish is None else wish.where)


def not_admitted(intent: Intent, topology: Topology, probe: Probe) -> Iterator[str]:
    """Why a raw packet is not let in at its port: for each endpoint that lives there, what differs."""
    host = topology.host_at.get(probe.at)
    if host is None:
        yield f"{probe.at} has no host: it accepts only fabric frames with this switch's node tag."
        return
    here = list(_ends_on(intent, host))
    if not here:
        yield f"No endpoint is on {host}: its port {probe.at} admits nothing."
    for end in here:
        wrong = _differences(end, topology, probe)
        if wrong:
            yield f"Not sent by {end}: {'; '.join(wrong)}."


def _ends_on(intent: Intent, host: str) -> Iterator[End]:
    for tenant in intent.tenants.values():
        yield from (End(tenant, e) for e in tenant.everyone.values() if e.host == host)


def _differences(end: End, topology: Topology, probe: Probe) -> list[str]:
    """The tag and the addresses of a packet that are not this endpoint's."""
    vlan, one = _vlan(end, topology), end.endpoint
    outer = probe.packet.headers()
    inner = probe.packet.pop_vlan().headers() if vlan else outer
    ips = {} if one.outside is not None else {"ipv4_src": one.ip, "arp_spa": one.ip}
    want = {"eth_src": one.mac, **ips, "arp_sha": one.mac}
    wrong = [("vlan_vid", outer["vlan_vid"], VID_PRESENT | vlan if vlan else VID_NONE)]
    wrong += [(field, inner.get(field, value), value) for field, value in want.items()]
    own = {("ipv4_src", ip) for ip in one.addresses} | {("arp_spa", ip) for ip in one.addresses}
    wrong = [row for row in wrong if row[:2] not in own and not (row[0] == "ipv4_src" and _behind(one, row[1]))]
    told = [f"{name} is {text(name, have)} and not {text(name, must)}" for name, have, must in wrong if have != must]
    source = inner.get("ipv4_src", inner.get("arp_spa"))
    if one.outside is not None and source is not None and not has(end.tenant, one, source):
        told.append(f"{ipv4_text(source)} is none of the addresses outside that it stands for")
    return told


def _behind(endpoint: Endpoint, ip: int) -> bool:
    return any((ip ^ base) >> (32 - length) == 0 for base, length in endpoint.routes)


def _vlan(end: End, topology: Topology) -> int | None:
    """What its host tags frames with; None on an access port."""
    network = end.tenant.networks[end.endpoint.network]
    return network.vlan if topology.hosts[end.endpoint.host].tagged else None


def quoted(where: Where) -> Iterator[Text]:
    """The place, and what is written there; nothing for what was not written in a file."""
    if not where.line:
        return
    try:
        lines = Path(where.file).read_text().splitlines()[where.line - 1 :]
        line = lines[0].strip()
    except (OSError, IndexError, UnicodeDecodeError):
        line = ""
    if line.startswith("apiVersion:"):
        line = _named_line(lines)  # the whole document is meant
    yield Text.assemble(f"    {where}  ", (line, "cyan"))


def _named_line(lines: list[str]) -> str:
    """The line of a document that names it; empty where none does."""
    there = (number for number, line in enumerate(lines) if line.startswith("metadata:"))
    words = lines[next(there, len(lines)) :][:3]
    return next((line.strip() for line in words if "name:" in line), "")


def _verdict(allowed: bool, words: str) -> Text:
    return Text(words, "bold green" if allowed else "bold red")
