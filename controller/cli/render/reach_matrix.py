"""Who may reach whom, as lines, as JSON and as a page of its own. Must not know: intents, how it is found out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from rich.text import Text

from clos.controller.cli.answer import Json
from clos.controller.cli.render.text import count
from clos.controller.impact.reach_matrix import Class, ReachMatrix, Way

STYLE = (
    "body{font:14px system-ui,sans-serif;margin:2em}table{border-collapse:collapse;margin:1em 0 2em}"
    "th,td{border:1px solid #bbb;padding:.3em .6em;text-align:left;vertical-align:top}"
    "th[scope=col],th[scope=row]{background:#f3f3f3}td.none{color:#999}"
)


def way_text(way: Way) -> str:
    """``tcp/443, icmp (via fw, at most 500 kbit/s per leaf)``."""
    notes = [f"via {way.via.partition('/')[2]}"] if way.via else []
    notes += [f"at most {way.rate.kbps:,} kbit/s per leaf"] if way.rate else []
    return ", ".join(way.services) + (f" ({', '.join(notes)})" if notes else "")


def matrix_lines(found: ReachMatrix) -> Iterator[Text | str]:
    """A paragraph for every class, of whom it may open what to."""
    for one in found.classes:
        rows = [reach for reach in found.reach if reach.source == one]
        if not rows and one.tenant not in found.tenants:
            continue
        size = "addresses outside" if one.outside else count(len(one.endpoints), "endpoint")
        yield Text.assemble((str(one), "bold"), f"  {size}")
        for reach in rows:
            yield f"  to {reach.target if reach.target != one else 'each other'}: {_ways(reach.ways)}"
        if not rows:
            yield "  opens nothing"


def _ways(ways: Iterable[Way]) -> str:
    return "; ".join(map(way_text, ways))


def matrix_json(found: ReachMatrix) -> Json:
    return {
        "classes": [
            {
                "name": str(one),
                "tenant": one.tenant,
                "groups": list(one.groups),
                "endpoints": list(one.endpoints),
                "outside": one.outside,
            }
            for one in found.classes
        ],
        "reach": [
            {
                "from": str(reach.source),
                "to": str(reach.target),
                "services": list(way.services),
                "via": way.via,
                "kbps": way.rate.kbps if way.rate else None,
            }
            for reach in found.reach
            for way in reach.ways
        ],
    }


def matrix_html(found: ReachMatrix, title: str) -> str:
    """A page with a table for each tenant: its classes, and what they may open to whom."""
    tenants = dict.fromkeys(one.tenant for one in found.classes)
    tables = "\n".join(_table(found, tenant) for tenant in tenants)
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    body = f"<h1>{escape(title)}</h1>\n{tables}\n"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{body}</body></html>\n'


def _table(found: ReachMatrix, tenant: str) -> str:
    cells = {(reach.source, reach.target): _ways(reach.ways) for reach in found.reach if reach.source.tenant == tenant}
    rows = [one for one in found.classes if one.tenant == tenant]
    heads = [one for one in found.classes if one.tenant == tenant or any(target == one for _, target in cells)]
    head = "".join(f'<th scope="col">to {escape(str(one))}</th>' for one in heads)
    body = "\n".join(f"<tr>{_head(one)}{''.join(_cell(cells.get((one, to))) for to in heads)}</tr>" for one in rows)
    return f"<h2>{escape(tenant)}</h2>\n<table>\n<tr><th>from</th>{head}</tr>\n{body}\n</table>"


def _head(one: Class) -> str:
    return f'<th scope="row" title="{escape(", ".join(one.endpoints))}">{escape(str(one))}</th>'


def _cell(text: str | None) -> str:
    return f"<td>{escape(text)}</td>" if text else '<td class="none">nothing</td>'
