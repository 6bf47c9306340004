"""What has changed in a switch since somebody last looked: what makes a remembered walk worth another thought.

Lives here: the notes. Must not know: who changes a switch, who reads the notes, what a change means.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from clos.fabric.dataplane.rule import Rule

NOTED = 64
"""Rules that are noted one by one; a load of thousands is only known to have been many."""


@dataclass(slots=True)
class Edits:
    """Rules that came, went or changed, and whether any group did; ``many`` where the rules were too many to note."""

    rules: list[Rule] = field(default_factory=list)
    groups: bool = False
    many: bool = False
    made: bool = False
    """Whether there is anything noted at all."""

    def rule(self, rule: Rule) -> None:
        self.made = True
        if len(self.rules) < NOTED:
            self.rules.append(rule)
        else:
            self.many = True

    def group(self) -> None:
        self.made = self.groups = True

    def clear(self) -> None:
        self.rules.clear()
        self.groups = self.many = self.made = False
