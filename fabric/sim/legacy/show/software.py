"""What a device says of its software, to users and to neighbours."""

from __future__ import annotations

from clos.fabric.sim.legacy.device import LegacyDevice


def image_name(device: LegacyDevice) -> str:
    return "C2900" if device.hardware.router else "C3750E"


def software(device: LegacyDevice) -> tuple[str, ...]:
    image = image_name(device)
    return (
        f"Cisco IOS Software, {image} Software ({image}-UNIVERSALK9-M), Version {device.hardware.version},"
        " RELEASE SOFTWARE (fc3)",
        "Technical Support: http://www.cisco.com/techsupport",
        "Copyright (c) 1986-2018 by Cisco Systems, Inc.",
        "Compiled Wed 05-Sep-18 12:00 by prod_rel_team",
    )
