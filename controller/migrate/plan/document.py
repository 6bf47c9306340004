"""A plan as one document for a change board: Markdown, and the same as HTML with pictures in it.

Lives here: sections and tables, once for both forms. Must not know: how plans are made. A document is blocks: headings,
paragraphs, lists, tables, commands; ``markdown`` and ``html`` write them.
"""

from __future__ import annotations

import html as html_
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from clos.controller.migrate.plan.contents import blocks
from clos.controller.migrate.plan.contents_blocks import Block, Kind
from clos.controller.migrate.plan.make import Planned
from clos.controller.migrate.plan.pictures import Picture, pictures


class Documents(NamedTuple):
    """Both forms."""

    markdown: str
    html: str


def documents(planned: Planned) -> Documents:
    """The plan in words and pictures."""
    shown = pictures(planned)
    content = list(blocks(planned))
    return Documents("\n".join(_markdown(content)) + "\n", "".join(_html(planned.plan.name, content, shown)))


def _markdown(content: Sequence[Block]) -> Iterator[str]:
    for block in content:
        if block.kind is Kind.HEADING:
            yield f"{'#' * block.level} {block.text}\n"
        elif block.kind is Kind.TEXT:
            yield f"{block.text}\n"
        elif block.kind is Kind.LIST:
            yield from (f"- {item}" for item in block.items)
            yield ""
        elif block.kind is Kind.COMMANDS:
            yield "```text\n" + "\n".join(block.items) + "\n```\n"
        elif block.kind is Kind.TABLE:
            head, *rows = block.rows
            yield "| " + " | ".join(head) + " |"
            yield "|" + "---|" * len(head)
            yield from ("| " + " | ".join(cell.replace("|", "\\|") or " " for cell in row) + " |" for row in rows)
            yield ""


_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c2733;background:#fff}
h1,h2,h3{line-height:1.25}h2{border-top:2px solid #d5dde5;padding-top:1rem;margin-top:2.5rem}h3{margin-top:2rem}
table{border-collapse:collapse;margin:.5rem 0 1rem;display:block;overflow-x:auto}td,th{border:1px solid #d5dde5;
padding:.25rem .6rem;text-align:left;vertical-align:top}th{background:#eef2f6}pre{background:#f4f6f8;padding:.6rem;
overflow-x:auto;font-size:13px}figure{margin:1rem 0}figcaption{color:#4a5866}svg{max-width:100%;height:auto;border:1px
solid #d5dde5;background:#fff}nav{columns:2}details{margin:.3rem 0}summary{cursor:pointer}
@media print{details{display:block}nav{columns:1}}
"""


def _html(name: str, content: Sequence[Block], shown: Sequence[Picture]) -> Iterator[str]:
    title = f"Migration plan: {html_.escape(name)}"
    yield f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<style>{_STYLE}</style></head><body><main>\n"
    heads = [b for b in content if b.kind is Kind.HEADING and b.level == 2]
    for block in content:
        if block.kind is Kind.HEADING:
            yield f'<h{block.level} id="{_anchor(block.text)}">{html_.escape(block.text)}</h{block.level}>\n'
            if block.level == 1:
                links = "".join(f'<li><a href="#{_anchor(h.text)}">{html_.escape(h.text)}</a></li>' for h in heads)
                yield f'<nav aria-label="Contents"><ol>{links}</ol></nav>\n'
            for picture in (p for p in shown if p.section == block.text):
                caption = html_.escape(picture.caption)
                yield f"<figure>{picture.svg}<figcaption>{caption}</figcaption></figure>\n"
        else:
            yield _html_block(block)
    yield "</main></body></html>\n"


def _html_block(block: Block) -> str:
    if block.kind is Kind.TEXT:
        return f"<p>{html_.escape(block.text)}</p>\n"
    if block.kind is Kind.LIST:
        return "<ul>" + "".join(f"<li>{html_.escape(item)}</li>" for item in block.items) + "</ul>\n"
    if block.kind is Kind.COMMANDS:
        return f"<pre>{html_.escape(chr(10).join(block.items))}</pre>\n"
    head, *rows = block.rows
    cells = "".join(f"<th scope='col'>{html_.escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{html_.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>\n"


def _anchor(text: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in text.lower()).split())
