"""How long light commands take, as processor time and as a ratio to a Python that does nothing.

``python -m benchmarks.startup [RUNS]``. The least of all runs, so that a busy machine does not count; bytecode is
cached in a directory of the benchmark's own, since without it Python compiles every module again at each start.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from tempfile import TemporaryDirectory

DEMO = ("intents/demo.yaml", "-t", "topologies/demo.yaml")
CLOS = ("-m", "clos.controller.cli")
COMMANDS: dict[str, tuple[str, ...]] = {
    "clos --version": (*CLOS, "--version"),
    "clos --help": (*CLOS, "--help"),
    "clos status": (*CLOS, "status", "--state", "nowhere"),
    "clos apply, no controller": (*CLOS, "apply", DEMO[0], "--yes", "--state", "nowhere"),
    "clos validate": (*CLOS, "validate", *DEMO),
    "clos graph": (*CLOS, "graph", "-t", DEMO[2]),
    "clos plan --offline": (*CLOS, "plan", "--offline", *DEMO),
}


def seconds(words: tuple[str, ...], environment: dict[str, str]) -> float:
    """Processor seconds of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], env=environment, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def least(words: tuple[str, ...]) -> float:
            return min(seconds(words, environment) for _ in range(runs + 1))

        nothing = least(("-c", "pass"))
        print(f"{'python -c pass':22} {nothing:5.3f} s")
        for name, words in COMMANDS.items():
            took = least(words)
            print(f"{name:22} {took:5.3f} s, {took / nothing:4.1f} times as long")


if __name__ == "__main__":
    main()
