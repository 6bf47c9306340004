"""``apply``: intents become the running revision."""

from __future__ import annotations

from clos.controller.cli.answer import Answer, answering
from clos.controller.cli.change_options import Brakes, Who, Why, Yes
from clos.controller.cli.confirmation import confirm, confirm_unproven
from clos.controller.cli.documents import Intents, OneTenant, TopologyPath
from clos.controller.cli.plans import named, planned_there, wanted
from clos.controller.cli.remote import DEFAULT, StateDir, controller, signing
from clos.controller.cli.render.change import applied_lines, progress_shown


@answering
def apply(
    intents: Intents,
    topology: TopologyPath = None,
    tenant: OneTenant = None,
    state: StateDir = DEFAULT,
    who: Who = "",
    why: Why = "",
    yes: Yes = False,
    *,
    brakes: Brakes,
) -> Answer:
    """Apply intents to the fabric.

    Shows the plan and asks, unless --yes is given. The documents replace all that are in force; with --tenant, those of
    one tenant, and the documents given may hold others, which are not looked at. The controller proves
    every state that the plan leads through before it sends the first message, and refuses with packets that show what
    is wrong (exit code 1). Ends when every switch has confirmed; when one refuses, everything is taken back (exit
    code 3).
    """
    fabric, want = named(topology), wanted(state, intents, tenant)
    base = want.base
    if not yes:
        plan = planned_there(state, want, topology)
        confirm(plan.lines(), "Apply this plan?")
        base = plan.data["base"]
    confirm_unproven(brakes.unproven, yes)
    with controller(state) as client, progress_shown() as progress:
        done = client.apply(
            want.texts,
            fabric,
            who=signing(client, who),
            why=why,
            allow=brakes.released(),
            expect_revision=base,
            progress=progress,
        )
    return Answer(done, lambda: applied_lines(done))
