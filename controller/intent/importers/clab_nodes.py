"""containerlab's nodes: which of them are switches, which hosts, which stand beside the fabric.

Lives here: kinds, images, labels and names as evidence. Must not know: links, tiers.
Source: containerlab's node settings and kinds (``kind``, ``image``, ``group``, ``labels``, ``sysctls``).
The order of evidence: what its maker calls a node, its name, its kind, its image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from clos.controller.intent.importers.tiers import HOST, SWITCH

OUTSIDE = "outside"
"""Beside the fabric: a network to manage it by, a bridge of the machine that runs the lab."""


def _words(text: str) -> list[str]:
    return text.split()


SWITCHES = frozenset(
    _words("""nokia_srlinux srl nokia_sros vr-sros vr-nokia_sros nokia_srsim arista_ceos ceos arista_veos vr-veos
    vr-arista_veos juniper_crpd crpd juniper_vmx vr-vmx vr-juniper_vmx juniper_vqfx vr-vqfx vr-juniper_vqfx
    juniper_vjunosrouter juniper_vjunosswitch juniper_vjunosevolved juniper_cjunosevolved cjunosevolved cisco_xrd xrd
    cisco_xrd_vrouter cisco_xrv vr-xrv vr-cisco_xrv cisco_xrv9k vr-xrv9k vr-cisco_xrv9k cisco_csr1000v vr-csr
    vr-cisco_csr1000v cisco_n9kv vr-n9kv vr-cisco_n9kv cisco_nxos cisco_csr cisco_c8000 c8000 cisco_c8000v
    cisco_cat9kv cisco_iol cisco_vios cisco_sdwan nvidia_cumulusvx cumulus_cvx cvx aruba_aoscx vr-aoscx
    vr-aruba_aoscx sonic-vs sonic-vm dell_sonic plvision_sonic dell_ftosv vr-ftosv vr-dell_ftosv mikrotik_ros vr-ros
    vr-mikrotik_ros huawei_vrp ipinfusion_ocnos ciena_saos vr-ciena_saos 6wind_vsr arrcus_arcos fdio_vpp rare
    vyosnetworks_vyos openwrt veesix_osvbng""")
)
HOSTS = {
    **dict.fromkeys(("ext-container", "k8s-kind", "generic_vm", "openbsd", "freebsd", "border0"), ""),
    **dict.fromkeys(("keysight_ixia-c-one", "spirent_stc", "ostinato"), "a traffic generator"),
    **dict.fromkeys(
        _words("""paloalto_panos vr-pan vr-paloalto_panos fortinet_fortigate checkpoint_cloudguard cisco_asav cisco_ftdv
        vr-ftdv juniper_csrx juniper_vsrx vr-vsrx vr-juniper_vsrx"""),
        "a firewall",
    ),
    "f5_bigip-ve": "a load balancer",
    "host": "the machine that runs the lab",
}
"""Kinds that stand at the fabric's edge, and what they are where that is no plain host."""
BRIDGES = frozenset({"bridge", "ovs-bridge"})

_FORWARDS = re.compile(
    r"frr|sonic|cumulus|vyos|bird|openvswitch|ovs|bmv2|stratum|gobgp|exabgp|holo|router|switch", re.I
)
"""In the image of a ``linux`` node."""
_HOST_WORDS = frozenset(
    _words("""srv pc vm ue workload compute worker endpoint tester tgen trex ixia firewall fw lb loadbalancer
    storage db user desktop laptop container""")
)
_HOST_STARTS = ("host", "client", "server")
_SWITCH_WORDS = frozenset(_words("tor sw rtr r pe dcgw core agg aggregation fabric spine leaf leaves border"))
_SWITCH_STARTS = ("spine", "leaf", "switch", "router", "superspine")
_BESIDE = frozenset(_words("oob mgmt management"))
_ROLE_LABELS = ("role", "graph-icon", "topoViewer-role", "graph-group")


class Judged(NamedTuple):
    """``kind``: switch, host or outside. ``role``: its maker's word. ``why``: a note where it was a guess."""

    kind: str
    role: str = ""
    why: str = ""


class Settings(NamedTuple):
    """What a node has once groups, kinds and defaults are taken into account."""

    kind: str
    image: str
    role: str
    forwards: bool


def settings(node: Mapping[Any, Any], topology: Mapping[Any, Any]) -> Settings:
    """containerlab's inheritance: node, then its group, its kind, the defaults."""
    defaults = mapping(topology.get("defaults"))
    grouped = word(node, "group") or word(defaults, "group")
    group = mapping(mapping(topology.get("groups")).get(grouped))
    kind = next(filter(None, (word(each, "kind") for each in (node, group, defaults))), "")
    levels = (node, group, mapping(mapping(topology.get("kinds")).get(kind)), defaults)
    labels = [mapping(level.get("labels")) for level in levels]
    called = [word(each, label) for label in _ROLE_LABELS for each in labels]
    forwards = any(word(mapping(level.get("sysctls")), "net.ipv4.ip_forward") == "1" for level in levels)
    image = next(filter(None, (word(level, "image") for level in levels)), "")
    return Settings(kind, image, next(filter(None, called), "") or grouped, forwards)


def judge(name: str, found: Settings, only_bridges: bool = False) -> Judged:
    """What a node is. ``only_bridges``: the file has no other switches, so its bridges are the fabric."""
    role = _meant(found.role, last=True)
    if role == OUTSIDE or (_meant(name) == OUTSIDE and _by_kind(name, found, only_bridges).kind != HOST):
        return Judged(OUTSIDE, found.role, "left out with its cables: it stands beside the fabric, to manage it")
    if role:
        return Judged(role, found.role)
    by_kind = _by_kind(name, found, only_bridges)
    called = _meant(name)
    if called and by_kind.kind not in (called, OUTSIDE):
        return Judged(
            called, found.role, f"taken for a {called} by its name, though its kind is {found.kind or 'unset'}"
        )
    if called == SWITCH and by_kind.kind == OUTSIDE:
        return Judged(SWITCH, found.role, f"taken for a switch by its name; its kind is {found.kind}")
    return by_kind


def _by_kind(name: str, found: Settings, only_bridges: bool) -> Judged:
    kind, role = found.kind, found.role
    if kind in BRIDGES:
        if only_bridges:
            return Judged(SWITCH, role, f"taken for a switch, though it is a bridge ({kind}): the file has no others")
        why = f"left out with its cables: kind {kind} is the lab machine's own; if it is of the fabric, label its role"
        return Judged(OUTSIDE, role, why)
    if kind in HOSTS:
        return Judged(HOST, role, HOSTS[kind] and f"taken for a host: it is {HOSTS[kind]}")
    if kind == "linux":
        if _FORWARDS.search(found.image):
            return Judged(SWITCH, role, f"taken for a switch by its image, {found.image}")
        return (
            Judged(SWITCH, role, "taken for a switch: it forwards (sysctls)") if found.forwards else Judged(HOST, role)
        )
    if kind in SWITCHES:
        return Judged(SWITCH, role)
    return Judged(
        SWITCH, role, f"taken for a switch: {f'its kind, {kind}, is not one we know' if kind else 'it has no kind'}"
    )


def _meant(words: str, last: bool = False) -> str:
    """Switch, host or outside, as a role or a name says; "" where it says nothing, or two things.

    >>> _meant("leaf1"), _meant("srv-2"), _meant("leaf1-host1"), _meant("server-leaf", last=True)
    ('switch', 'host', '', 'switch')
    """
    said = [each for each in map(_token, re.findall(r"[A-Z]?[a-z]+|[A-Z]+", words)) if each]
    if OUTSIDE in said and HOST not in said:
        return OUTSIDE
    if last:
        said = said[-1:]
    return said[0] if len(set(said)) == 1 else ""


def _token(token: str) -> str:
    text = token.lower()
    if text in _BESIDE:
        return OUTSIDE
    if text in _SWITCH_WORDS or text.startswith(_SWITCH_STARTS):
        return SWITCH
    return HOST if text in _HOST_WORDS or text.removesuffix("s") in _HOST_WORDS or text.startswith(_HOST_STARTS) else ""


def mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def word(node: Mapping[Any, Any], key: str) -> str:
    """A setting that is one word; "" where it is not there, or a list or mapping."""
    value = node.get(key)
    return value if isinstance(value, str) else ""
