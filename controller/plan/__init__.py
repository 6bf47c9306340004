"""Plans: what changes between two rulesets, in which order, and whether it is safe to send. Pure.

``diff`` finds the changes and orders them; the wire sends the pushes; nothing here knows a socket.
"""

from controller.plan.change import ADD, DELETE, MODIFY, Batch, Change, Entry, Plan, Push
from controller.plan.diff import diff

__all__ = ["ADD", "DELETE", "MODIFY", "Batch", "Change", "Entry", "Plan", "Push", "diff"]
