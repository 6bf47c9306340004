"""The prover: all packets at once, over the very rules that switches hold. Independent of the compiler."""

from clos.controller.verify.dataplane.edits import SwitchEdit
from clos.controller.verify.headerspace.value_atoms import Unmodelled
from clos.controller.verify.proof.claims import CLAIMS, Counterexample, Proof, Refused, Report
from clos.controller.verify.proof.prover import (
    Prover,
    edit_between,
    verify,
    verify_parallel,
    verify_states,
)

__all__ = [
    "CLAIMS",
    "Counterexample",
    "Proof",
    "Prover",
    "Refused",
    "Report",
    "SwitchEdit",
    "Unmodelled",
    "edit_between",
    "verify",
    "verify_parallel",
    "verify_states",
]
