"""What the names in a tenant's policies and imports stand for: lists of groups, everybody, services by name.

Lives here: policies as written become policies as meant. Must not know: files, how documents are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from clos.controller.intent.grouping import Grouping
from clos.controller.intent.model import JOINED, Import, Policy, Service
from clos.controller.intent.problem import Path
from clos.controller.intent.schema.documents import ImportDraft, PolicyDraft
from clos.controller.intent.schema.scalars import ONE_OF_PROTOCOLS
from clos.controller.intent.schema.service_keys import Named, missing, spelled

Known = Mapping[str, tuple[Service, ...]]


class Resolved(NamedTuple):
    """``policies``: those in force, ``disabled``: those that are not. ``lost``: places in the document of those that
    are in neither or not in force."""

    policies: tuple[Policy, ...]
    disabled: tuple[Policy, ...]
    lost: frozenset[str]


def resolve(drafts: Sequence[PolicyDraft | None], grouping: Grouping, services: Known) -> Resolved:
    """The policies of a tenant. None: a policy that could not be read. One that names what is not there is lost."""
    held: list[Policy] = []
    disabled: list[Policy] = []
    lost: set[str] = set()
    for place, draft in enumerate(drafts):
        if draft is not None:
            policy = replace(draft.policy, services=spelled(draft.services, services))
            whole = not any(missing(draft.services, services))
            if whole and not draft.enabled:
                disabled.append(policy)
            elif whole and _joined(policy, grouping):
                held.append(policy)
                continue
        lost.add(str(place))
    return Resolved(tuple(held), tuple(disabled), frozenset(lost))


def imported(drafts: Sequence[ImportDraft | None], services: Known) -> tuple[list[Import], set[str]]:
    """The imports of a tenant, and the places of those that could not be read or name a service that is not there."""
    found, lost = [], set[str]()
    for place, draft in enumerate(drafts):
        if draft is None or any(missing(draft.deny, services)):
            lost.add(str(place))
        else:
            found.append(replace(draft.wish, deny=spelled(draft.deny, services)))
    return found, lost


def _joined(policy: Policy, grouping: Grouping) -> bool:
    """Whether the groups that stand for its lists are there; they are made where they were not."""
    unknown = [name for name in (policy.source, policy.target) if grouping.named(name, policy.where) is None]
    return not any(JOINED in name for name in unknown)


def unnamed(services: Sequence[Service | Named], known: Known, at: Path) -> Iterator[tuple[Path, str, str]]:
    """What to say of names of services that stand for nothing: where, what, and the name."""
    for one in missing(services, known):
        yield (*at, one.place), f"unknown service {one.name}: {ONE_OF_PROTOCOLS}, or a name under services", one.name
