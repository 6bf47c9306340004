"""Documents lead where they say: every relative link names a file of the repository, and a heading of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.root import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
INDEX = ROOT / "docs/index.md"


def anchors(document: Path) -> set[str]:
    """Its headings, as the names that links to them have."""
    headings = HEADING.findall(document.read_text())
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in LINK.findall(document.read_text()):
        if ":" in link:
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_index_names_every_document() -> None:
    named = {(INDEX.parent / link).resolve() for link in LINK.findall(INDEX.read_text())}
    assert {path for path in (ROOT / "docs").glob("*.md") if path != INDEX} <= named
