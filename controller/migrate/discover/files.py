"""Outputs kept as files: read from a directory, and written to one, without secrets.

Layouts, also mixed:

- ``DEVICE/show_*.txt``
- ``configs/DEVICE/show_running-config.txt`` or ``configs/DEVICE.cfg``, and ``show/DEVICE/show_*.txt`` beside it
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from clos.controller.input_file import MIB, read_input
from clos.controller.migrate.discover.assemble import Collected, network
from clos.controller.migrate.discover.lines import Output, plain
from clos.controller.migrate.discover.readers import RUNNING_CONFIG, reader_of
from clos.controller.migrate.discover.secrets import without_secrets
from clos.controller.migrate.model import Network

FAILED = "failed.txt"
"""What a device did not answer, a line each, where discovery over SSH kept its outputs."""
MAX_BYTES = 64 * MIB
"""Of one output; the routing table of the whole Internet is less."""
_OUTPUT = re.compile(r"show_.*\.txt|sh_.*\.txt", re.IGNORECASE)
_CONFIG = (".cfg", ".conf", ".config", ".txt")


class NoOutputs(Exception):
    """A directory without any output of a device; the message names the layouts."""


def load(directory: Path) -> Network:
    """The network that a directory of outputs shows. Raises NoOutputs, OSError."""
    return network(collect(directory))


def collect(directory: Path) -> tuple[Collected, ...]:
    """All devices of a directory, by name. Raises NoOutputs, OSError."""
    files: dict[str, dict[str, Path]] = {}
    for name, command, path in _outputs(directory):
        files.setdefault(name, {}).setdefault(command, path)
    if not files:
        raise NoOutputs(
            f"{directory} has no outputs: DEVICE/show_*.txt, or configs/DEVICE/show_running-config.txt "
            "(or configs/DEVICE.cfg) with show/DEVICE/show_*.txt beside it"
        )
    failures = _failures(directory)
    return tuple(
        Collected(name, tuple(_output(name, command, path) for command, path in sorted(outputs.items())),
                  failures.get(name, ()))
        for name, outputs in sorted({**{name: {} for name in failures}, **files}.items())
    )  # fmt: skip


def _output(name: str, command: str, path: Path) -> Output:
    known = reader_of(command)
    text = read_input(path, MAX_BYTES).decode("utf-8", "replace")
    return Output(name, command, text, known.vrf if known else None)


def _outputs(directory: Path) -> Iterator[tuple[str, str, Path]]:
    """(device, command, file), the layouts one after another."""
    configs, shows = directory / "configs", directory / "show"
    for path in sorted(configs.iterdir()) if configs.is_dir() else ():
        if path.is_file() and path.suffix.lower() in _CONFIG:
            yield path.stem, RUNNING_CONFIG, path
        elif path.is_dir():
            yield from _of_device(path)
    for path in sorted(shows.iterdir()) if shows.is_dir() else ():
        if path.is_dir():
            yield from _of_device(path)
    for path in sorted(directory.iterdir()):
        if path.is_dir() and path not in {configs, shows}:
            yield from _of_device(path)


def _of_device(folder: Path) -> Iterator[tuple[str, str, Path]]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and _OUTPUT.fullmatch(path.name):
            yield folder.name, command_of(path.stem), path


def command_of(stem: str) -> str:
    """``show_mac_address-table`` -> ``show mac address-table``; a VRF's name keeps its underscores."""
    known = reader_of(stem)
    if known is not None:
        return known.text
    words = re.sub(r"^sh_", "show_", stem).replace("_", " ")
    return RUNNING_CONFIG if words in {"show running-config", "show run", "show running config"} else words


def file_of(command: str) -> str:
    """The file's name of a command. ``command_of`` gives the command back."""
    return re.sub(r"[^\w.-]", "_", command) + ".txt"


def keep(devices: Iterable[Collected], directory: Path) -> None:
    """Writes every output, secrets removed, so that ``load`` reads the same network again. Raises OSError."""
    for collected in devices:
        folder = directory / collected.name
        folder.mkdir(parents=True, exist_ok=True)
        for output in collected.outputs:
            text = without_secrets(plain(output.text))
            (folder / file_of(output.command)).write_text(text, encoding="utf-8")
        failed = folder / FAILED
        if collected.failed:
            failed.write_text("".join(f"{reason}\n" for reason in collected.failed), encoding="utf-8")
        else:
            failed.unlink(missing_ok=True)


def _failures(directory: Path) -> dict[str, tuple[str, ...]]:
    return {
        path.parent.name: tuple(read_input(path, MAX_BYTES).decode("utf-8", "replace").splitlines())
        for path in sorted(directory.glob(f"*/{FAILED}"))
    }
