"""The compiler: intent + topology -> ruleset. The pipeline is a table of stages (``stages``)."""

from clos.controller.compile.compiler import Compiled, compile_fabric
from clos.controller.compile.cookie import CLOS_COOKIE, CLOS_MASK, Origin, cookie, is_clos, origins
from clos.controller.compile.stages import STAGES, CompileError, Stage

__all__ = [
    "CLOS_COOKIE",
    "CLOS_MASK",
    "STAGES",
    "CompileError",
    "Compiled",
    "Origin",
    "Stage",
    "compile_fabric",
    "cookie",
    "is_clos",
    "origins",
]
