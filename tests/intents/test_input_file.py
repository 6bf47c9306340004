"""Whatever stands under an input file's name: it is read up to a limit, or refused with a reason. Nothing waits."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from clos.controller.input_file import MIB, read_input
from tests.support.cli_run import DEMO, clos

READERS = {
    "validate FILE -t topologies/demo.yaml": 1,
    "validate intents/demo.yaml -t FILE": 1,
    "topology show FILE": 1,
    "topology import containerlab FILE": 2,
    "topology import mininet FILE.mn": 2,
    "verify -t topologies/demo.yaml --dump FILE": 2,
}
"""Commands that read a file, and their exit code when it cannot be read."""


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse


def _zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("words", READERS)
@pytest.mark.parametrize(
    ("make", "why"),
    [(_huge, "larger than"), (_zeros, "larger than"), (os.mkfifo, "a pipe that nobody writes to")],
    ids=["huge", "endless", "pipe"],
)
def test_what_cannot_be_an_input_is_refused_with_the_reason(words: str, make, why: str, tmp_path: Path) -> None:
    path = tmp_path / ("file.mn" if "FILE.mn" in words else "file")
    make(path)
    ran = clos(*words.replace("FILE.mn", str(path)).replace("FILE", str(path)).split())
    assert ran.code == READERS[words] and ran.out == ""
    assert why in ran.err and str(path) in ran.err and "internal error" not in ran.err


def test_a_pipe_with_a_writer_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # lets the writer open its end first
    writer = os.open(path, os.O_WRONLY)
    text = b"x" * (MIB + 5)

    def write() -> None:
        with os.fdopen(writer, "wb") as file:
            file.write(text)

    thread = threading.Thread(target=write)
    thread.start()
    assert read_input(path, 2 * MIB) == text
    thread.join()
    os.close(reader)  # kept until now: a pipe that nobody has open for reading breaks the writer


def test_a_limit_is_what_may_still_be_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_input(path, 5) == b"12345"
    with pytest.raises(OSError, match="larger than"):
        read_input(path, 4)
    with pytest.raises(IsADirectoryError):
        read_input(tmp_path, 5)
    assert clos("validate", *DEMO).code == 0
