"""The prover: all packets at once, over the very rules that switches hold. Independent of the compiler."""

from controller.verify.claims import CLAIMS, Counterexample, Proof, Refused, Report
from controller.verify.domain import Unmodelled
from controller.verify.prove import verify, verify_states

__all__ = ["CLAIMS", "Counterexample", "Proof", "Refused", "Report", "Unmodelled", "verify", "verify_states"]
