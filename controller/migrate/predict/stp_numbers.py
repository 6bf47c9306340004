"""What each port adds to paths and is known by, VLAN by VLAN: worked out once for each combination that occurs.

Must not know: trees, cables.
"""

from __future__ import annotations

from clos.controller.migrate.predict.stp_ports import Cost, End
from clos.controller.migrate.predict.stp_solve import TreePort

UNKNOWN_COST = Cost(1)


class Numbers:
    """The numbers of one port. What does not differ between VLANs is asked of the port once."""

    __slots__ = ("_costs", "_known", "_of", "_priorities", "_seen", "end")

    def __init__(self, end: End) -> None:
        self.end = end
        self._costs, self._priorities, self._seen = end.port.stp.costs, end.port.stp.priorities, end.observed
        self._known: dict[tuple[Cost, int], tuple[TreePort, Cost]] = {}
        self._of: tuple[Cost | None, int, bool] | None = None

    def port(self, vlan: int) -> tuple[TreePort, Cost | None]:
        """The port as it is in a VLAN's tree, and its cost; None: nothing says it."""
        if vlan in self._seen or vlan in self._priorities:
            cost, (identity, assumed) = self.end.cost(vlan), self.end.identity(vlan)
        else:
            if self._of is None:
                self._of = (self.end.cost(-1), *self.end.identity(-1))
            cost, identity, assumed = self._of
            if vlan in self._costs:
                cost = Cost(self._costs[vlan])
        key = cost or UNKNOWN_COST, identity
        found = self._known.get(key)
        if found is None:
            end = self.end
            port = TreePort(end.device.name, end.port.name, key[0].value, identity, end.guard == "root", assumed)
            found = self._known[key] = port, key[0]
        return found[0], found[1] if cost is not None else None
