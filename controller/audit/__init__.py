"""The auditor: a small checker of rules against intents that shares nothing with the compiler or the prover.

It walks single packets, one for each thing an intent tells packets apart by, with the evaluator; and judges what
arrives by a reading of the intent of its own.
"""

from clos.controller.audit.check import Audit, Broken, Coverage, audit

__all__ = ["Audit", "Broken", "Coverage", "audit"]
