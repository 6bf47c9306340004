"""Boxes, lines and words of an SVG document, and nothing else: no scripts, no references, readable without color.

Must not know: networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

_STYLE = (
    "text{font:12px sans-serif;fill:#1a1a1a}.title{font:bold 16px sans-serif}.small{font-size:10px;fill:#444}"
    ".box{fill:#fff;stroke:#1a1a1a;stroke-width:1.5}.root{fill:#fff3c4;stroke-width:3}.group{fill:#eef4fb;stroke:#2c6fb5}"
    ".line{stroke:#1a1a1a;stroke-width:1.5;fill:none}.blocked{stroke:#b3261e;stroke-width:2;stroke-dasharray:7 5}"
    ".guess{stroke:#777;stroke-dasharray:2 4}.mark{fill:#b3261e;font-weight:bold}"
)


@dataclass(slots=True)
class Box:
    """A rectangle with lines of words, around its middle."""

    x: float
    y: float
    lines: Sequence[str]
    kind: str = "box"
    width: float = field(init=False)
    height: float = field(init=False)

    def __post_init__(self) -> None:
        self.width = max(90.0, 7.0 * max(map(len, self.lines), default=0) + 20)
        self.height = 16.0 * len(self.lines) + 14

    def edge(self, x: float, y: float) -> tuple[float, float]:
        """Where the line from its middle to a point leaves it."""
        dx, dy = x - self.x, y - self.y
        if not dx and not dy:
            return self.x, self.y
        scale = min(self.width / 2 / abs(dx) if dx else 9e9, self.height / 2 / abs(dy) if dy else 9e9)
        return self.x + dx * min(scale, 1), self.y + dy * min(scale, 1)

    def drawn(self) -> str:
        left, top = self.x - self.width / 2, self.y - self.height / 2
        words = "".join(
            text(self.x, top + 18 + 16 * number, line, "" if number == 0 else "small", "middle")
            for number, line in enumerate(self.lines)
        )
        kind = "box" if self.kind == "box" else f"box {self.kind}"
        return (
            f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{self.width:.1f}" '
            f'height="{self.height:.1f}" rx="6"/>{words}'
        )


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """Words at a point."""
    attribute = f' class="{kind}"' if kind else ""
    return f'<text{attribute} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def line(a: tuple[float, float], b: tuple[float, float], kind: str = "line") -> str:
    """A line between two points."""
    return f'<line class="line {kind}" x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}"/>'


def arc(a: tuple[float, float], b: tuple[float, float], depth: float, kind: str = "line") -> str:
    """A curve between two points of one row, below what stands between them."""
    middle = (a[0] + b[0]) / 2, max(a[1], b[1]) + depth
    where = f"M{a[0]:.1f} {a[1]:.1f}Q{middle[0]:.1f} {middle[1]:.1f} {b[0]:.1f} {b[1]:.1f}"
    return f'<path class="line {kind}" d="{where}"/>'


def document(title: str, parts: Iterable[str], width: float, height: float) -> str:
    """The whole picture."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/>{text(24, 30, title, "title")}' + "".join(parts) + "</svg>\n"
    )


def placed(rows: Sequence[Sequence[str]], boxes: dict[str, Box], gap: float = 130.0) -> tuple[float, float]:
    """Puts the boxes in rows, each row in the middle; the size of the picture."""
    widths = [sum(boxes[name].width for name in row) + 40.0 * (len(row) - 1) for row in rows]
    full, y = max(widths, default=0.0), 80.0
    for row, width in zip(rows, widths, strict=True):
        tall = max(boxes[name].height for name in row)
        space = 40 + min(220.0, (full - width) / len(row)) if len(row) > 1 else 0.0
        x = 40 + (full - width - (space - 40) * (len(row) - 1)) / 2
        for name in row:
            box = boxes[name]
            box.x, box.y = x + box.width / 2, y + tall / 2
            x += box.width + space
        y += tall + gap
    return max(full + 80, 560), y - gap + 60
