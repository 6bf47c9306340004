"""A plan's directory: ``plan.json``, ``plan.md``, ``plan.html``, the fabric's topology, and the intents of each step.

Lives here: which files there are; each intents file is read by Clos' own reader before any is written. Must not know:
how plans are made.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from clos.controller.intent.importers.writing import write_intent
from clos.controller.intent.load import Loader
from clos.controller.intent.source import Text
from clos.controller.migrate.plan.document import documents
from clos.controller.migrate.plan.ground import Unplannable
from clos.controller.migrate.plan.make import Planned
from clos.controller.migrate.plan.plan_json import plan_text

PLAN, MARKDOWN, HTML, TOPOLOGY = "plan.json", "plan.md", "plan.html", "fabric.yaml"


def files(planned: Planned, topology: str) -> dict[str, str]:
    """Every file by its name. Raises Unplannable where intents are not what Clos reads."""
    words = documents(planned)
    found = {
        PLAN: plan_text(planned.plan), MARKDOWN: words.markdown, HTML: words.html, TOPOLOGY: topology,
        **{name: write_intent(intent) for name, intent in planned.intents.items()},
    }  # fmt: skip
    loader = Loader()
    for name, intent in planned.intents.items():
        loaded = loader.load(Text(name, found[name]), planned.ground.topology)
        if loaded.problems:
            raise Unplannable([f"the intents of a step are not valid: {problem}" for problem in loaded.problems[:20]])
        if loaded.intent != intent:
            raise Unplannable([f"{name}: the intents say something else when they are read back"])
    return found


def write(content: dict[str, str], directory: Path) -> None:
    """Writes all files or none. Raises FileExistsError for a directory with something in it, OSError."""
    if directory.exists() and any(directory.iterdir()):
        raise FileExistsError(f"{directory} is not empty")
    making = directory.with_name(directory.name + ".new")
    shutil.rmtree(making, ignore_errors=True)
    try:
        for name, text in content.items():
            path = making / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        making.rename(directory)  # an empty directory of the name gives way
    finally:
        shutil.rmtree(making, ignore_errors=True)
