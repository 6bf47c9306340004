"""What speaks at the borders to a legacy network as text: HSRP groups, EIGRP processes, roots of spanning trees.

Must not know: how it was asked for, plans.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from clos.controller.cli.answer import Json
from clos.controller.cli.render.text import count


def border_lines(found: Json | None) -> Iterator[Text | str]:
    """Speakers at the borders; nothing where there are none."""
    if found is None:
        return
    for row in found["hsrp"]:
        others = ", ".join(f"{row[word]} {word}" for word in ("active", "standby") if row[word])
        where = f"{row['border']} VLAN {row['vlan']} group {row['group']}"
        yield f"HSRP {where}: {row['state']} for {', '.join(row['virtual'])}{f'; {others}' if others else ''}"
    for row in found["eigrp"]:
        up = [each["address"] for each in row["neighbors"] if each["up"]]
        learned = count(len(row["learned"]), "prefix", "prefixes")
        yield (
            f"EIGRP {row['asn']} {row['border']} VLAN {row['vlan']}: neighbours {', '.join(up) or 'none'}; "
            f"{learned} learned, {len(row['advertised'])} told"
        )
    roots: dict[tuple[str, str], list[str]] = {}
    for row in found["watches"]:
        if row["root"]:
            roots.setdefault((row["border"], row["root"]), []).append(str(row["vlan"]))
    for (border, root), vlans in sorted(roots.items()):
        yield f"Spanning tree at {border}: root {root} of VLANs {', '.join(vlans)}"
    yield from (Text(text, "yellow") for text in found["wrong"])
