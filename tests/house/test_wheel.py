"""The wheel: one name at the top, everything the demonstration needs, and nothing fetched to build it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.root import ROOT

PARTS = ("pyproject.toml", "README.md", "LICENSE", "src", "fabric", "controller", "lab", "topologies", "intents")

pytest.importorskip("setuptools", "70.1", reason="builds a wheel: setuptools 70.1 or later, see the extra dev")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of a copy, so that nothing is left in the repository, without isolation, which would fetch setuptools."""
    place = tmp_path_factory.mktemp("wheel")
    for part in PARTS:
        of, to = ROOT / part, place / "source" / part
        if of.is_dir():
            shutil.copytree(of, to, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            to.parent.mkdir(exist_ok=True)
            shutil.copy(of, to)
    words = ["-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "--no-index", "--quiet", "-w", str(place)]
    done = subprocess.run([sys.executable, *words], cwd=place / "source", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = place.glob("*.whl")
    return found


@pytest.mark.slow
def test_the_wheel_puts_one_name_at_the_top(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"clos"}


@pytest.mark.slow
def test_the_wheel_has_every_module_and_the_demonstrations_files(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("fabric", "controller", "lab"):
        modules = {f"clos/{path.relative_to(ROOT)}" for path in (ROOT / folder).rglob("*.py")}
        assert modules - names == set()
    assert {"clos/topologies/demo.yaml", "clos/intents/demo.yaml", "clos/topologies/bank.yaml"} <= names
    bank = [path for path in (ROOT / "topologies/legacy-bank").rglob("*") if path.is_file()]
    assert {f"clos/{path.relative_to(ROOT)}" for path in bank} <= names and len(bank) > 13


@pytest.mark.slow
def test_the_command_and_the_plugin_work_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    place, ini = tmp_path / "installed", tmp_path / "empty"
    ini.mkdir()
    zipfile.ZipFile(wheel).extractall(place)
    environment = {**os.environ, "PYTHONPATH": str(place)}

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], cwd=ini, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert str(place) in run("-c", "import clos.controller; print(clos.controller.__file__)")
    data = place / "clos"
    said = run(
        "-m", "clos.controller.cli", "validate", f"{data}/intents/demo.yaml", "-t", f"{data}/topologies/demo.yaml"
    )
    assert said.startswith("Valid on demo")
    assert "clos_topology" in run("-m", "pytest", "--help")
