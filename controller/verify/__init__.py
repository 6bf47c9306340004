"""The prover: all packets at once, over the very rules that switches hold. Independent of the compiler."""

from controller.verify.claims import CLAIMS, Counterexample, Proof, Refused, Report
from controller.verify.domain import Unmodelled
from controller.verify.prove import Prover, edit_between, verify, verify_abreast, verify_states
from controller.verify.reach import Edit

__all__ = [
    "CLAIMS",
    "Counterexample",
    "Edit",
    "Proof",
    "Prover",
    "Refused",
    "Report",
    "Unmodelled",
    "edit_between",
    "verify",
    "verify_abreast",
    "verify_states",
]
