"""Plans: what changes between two rulesets, in which order, and whether it is safe to send. Pure.

``diff`` finds the changes and orders them; the wire sends the pushes; nothing here knows a socket.
"""

from clos.controller.plan.after import after, invert, states
from clos.controller.plan.brakes import DELETE_TENANT, Brake, adoption_brake, brakes, holding, tenant_brakes
from clos.controller.plan.change import ADD, DELETE, MODIFY, Batch, Change, Entry, Plan, Push
from clos.controller.plan.diff import diff
from clos.controller.plan.export import group_json, meter_json, rule_json, ruleset_json
from clos.controller.plan.identity import IdentityChange, identity_brake, identity_changes, moved
from clos.controller.plan.order import draining
from clos.controller.plan.reconcile import OWN_COOKIE, OWN_MASK, Reconciliation, diff_state, own
from clos.controller.plan.summary import Counts, PlanSummary, Row, summary, summary_json, to_json

__all__ = [
    "ADD",
    "DELETE",
    "DELETE_TENANT",
    "MODIFY",
    "OWN_COOKIE",
    "OWN_MASK",
    "Batch",
    "Brake",
    "Change",
    "Counts",
    "Entry",
    "IdentityChange",
    "Plan",
    "PlanSummary",
    "Push",
    "Reconciliation",
    "Row",
    "adoption_brake",
    "after",
    "brakes",
    "diff",
    "diff_state",
    "draining",
    "group_json",
    "holding",
    "identity_brake",
    "identity_changes",
    "invert",
    "meter_json",
    "moved",
    "own",
    "rule_json",
    "ruleset_json",
    "states",
    "summary",
    "summary_json",
    "tenant_brakes",
    "to_json",
]
