"""A user's repository as docs/testing.md describes it: files cut out of that page, and the demonstration as network."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.support.root import ROOT

PAGE = (ROOT / "docs/testing.md").read_text()
FILES = dict(re.findall(r"^```\w+ (\S+\.\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))

PLANNED = """
apiVersion: clos/v1
kind: Tenant
metadata: {name: guests}
spec:
  networks:
    hall: {subnet: 10.7.0.0/24}
"""


def repository(pytester: pytest.Pytester) -> Path:
    """The files of the page, with the demonstration's topology and intents."""
    here = pytester.path
    for name, text in FILES.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)
    (here / "network/intents").mkdir(parents=True)
    shutil.copy(ROOT / "topologies/demo.yaml", here / "network/topology.yaml")
    shutil.copy(ROOT / "intents/demo.yaml", here / "network/intents/demo.yaml")
    (here / "network/planned.yaml").write_text(PLANNED)
    return here
