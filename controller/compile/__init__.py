"""The compiler: intent + topology -> ruleset. The pipeline is a table of stages (``stages``)."""

from controller.compile.compiler import Compiled, compile_fabric
from controller.compile.cookie import CLOS_COOKIE, CLOS_MASK, Origin, cookie, is_clos, origins
from controller.compile.stages import STAGES, CompileError, Stage

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
