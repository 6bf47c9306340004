"""The ``clos`` command: a table of commands, each loaded only when it is called.

Lives here: the table, and what happens to an exception that nobody expected. Must not know: what commands do.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from clos.controller.cli.answer import INTERNAL, INTERRUPTED, OK, UNCHECKED, USAGE, Stop, complain, stop_for
from clos.controller.cli.coercion import lighten
from clos.controller.explain.errors import Unanswerable

UsageError: Any = typer.BadParameter.__bases__[0]
"""click's error of wrong flags, wherever this version of typer has click."""
UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})
"""What a full or broken disk answers to whoever writes."""
DEBUG = "CLOS_DEBUG"
"""The environment variable that has tracebacks shown."""


class Row(NamedTuple):
    """One command: ``place`` is ``module:name``, of a function or of a typer application with commands of its own.

    A module of ``commands`` is this package's.
    """

    name: str
    place: str
    panel: str
    summary: str


_INTENTS, _FABRIC, _CONTROLLER, _OTHER = "Intents and plans", "Rules and packets", "The controller", "More"
_PEOPLE = "People and permissions"

COMMANDS = (
    Row("validate", "commands.validate:validate", _INTENTS, "Check intents against a topology."),
    Row(
        "plan",
        "commands.plan:plan",
        _INTENTS,
        "Show what an apply would change, in words of intent and switch by switch.",
    ),
    Row("apply", "commands.apply:apply", _INTENTS, "Apply intents to the fabric."),
    Row(
        "diff",
        "commands.diff:diff_",
        _INTENTS,
        "Show how two intents or revisions differ, in words and entry by entry.",
    ),
    Row("init", "commands.init:init", _INTENTS, "Write permissive intents for the hosts of a topology, to begin with."),
    Row("matrix", "commands.matrix:matrix", _INTENTS, "Show who may reach whom with which service."),
    Row("compile", "commands.compile:compile_", _INTENTS, "Compile intents to OpenFlow rules."),
    Row(
        "verify",
        "commands.verify:verify",
        _INTENTS,
        "Prove each claim for all packets, or refute it with a counterexample.",
    ),
    Row("trace", "commands.trace:trace", _FABRIC, "Trace one packet: table, rule and intent line at each hop."),
    Row(
        "explain",
        "commands.explain:explain",
        _FABRIC,
        "Explain why a packet is permitted or denied, or why a rule exists.",
    ),
    Row(
        "probe",
        "commands.probe:probe",
        _FABRIC,
        "Send packets through a simulated fabric and compare with the intents.",
    ),
    Row(
        "coverage",
        "commands.coverage:coverage",
        _FABRIC,
        "Show which rules and which lines of the documents a test run has touched.",
    ),
    Row("inspect", "commands.inspect:inspect", _FABRIC, "List the rules, groups and meters of a switch."),
    Row("graph", "commands.graph:graph", _FABRIC, "Draw a fabric as SVG, DOT or Mermaid."),
    Row("topology", "commands.topology:app", _FABRIC, "Generate, import, show and check topologies."),
    Row(
        "migrate",
        "commands.migrate:app",
        _FABRIC,
        "Discover a legacy EIGRP/PVST+ network, predict changes, and carry a migration out.",
    ),
    Row("lab", "clos.lab.cli:app", _FABRIC, "Run a fabric on Open vSwitch and Mininet with real packets."),
    Row("serve", "commands.serve:serve", _CONTROLLER, "Run the controller."),
    Row("sim", "commands.sim:sim", _CONTROLLER, "Run a simulated fabric for any OpenFlow 1.3 controller."),
    Row(
        "sim-control",
        "commands.sim_control:sim_control",
        _CONTROLLER,
        "Give an order to a simulation that runs, or ask it something.",
    ),
    Row(
        "sim-legacy",
        "commands.sim_legacy:sim_legacy",
        _CONTROLLER,
        "Run simulated IOS-like switches and routers, reached over SSH.",
    ),
    Row(
        "status",
        "commands.status:status",
        _CONTROLLER,
        "Show the controller, its revision, its switches, and what speaks at the borders to a legacy network.",
    ),
    Row(
        "links",
        "commands.links:links",
        _CONTROLLER,
        "Show how switches are cabled, and which links are not as designed.",
    ),
    Row("why", "commands.why:why", _CONTROLLER, "Find out why one endpoint does not reach another."),
    Row(
        "paths",
        "commands.paths:paths",
        _CONTROLLER,
        "Show cables and spines that are up but lose, corrupt or delay frames, and whether frames go around them.",
    ),
    Row(
        "drift",
        "commands.drift:drift",
        _CONTROLLER,
        "Show which switches do not hold what they should, and what that means for packets.",
    ),
    Row(
        "hits",
        "commands.hits:hits",
        _CONTROLLER,
        "Show how many packets each policy and share has matched, by its line in the documents.",
    ),
    Row("history", "commands.history:history", _CONTROLLER, "List revisions: who, when, why, and what changed."),
    Row("audit", "commands.audit:audit", _CONTROLLER, "Check a revision's proof by independent means."),
    Row("rollback", "commands.rollback:rollback", _CONTROLLER, "Return the fabric to an earlier revision."),
    Row("repair", "commands.repair:repair", _CONTROLLER, "Read switches back and correct any drift."),
    Row(
        "proposal",
        "commands.proposal:app",
        _PEOPLE,
        "Propose changes, approve what others propose, and apply what is approved.",
    ),
    Row("login", "commands.login:login", _PEOPLE, "Log in, for twelve hours."),
    Row("logout", "commands.login:logout", _PEOPLE, "Log out: commands ask as the owner of the state directory again."),
    Row("whoami", "commands.login:whoami", _PEOPLE, "Show who you are to the controller, and what you may do."),
    Row("user", "commands.user:app", _PEOPLE, "Add, list and remove people, and give them roles."),
    Row("token", "commands.token:app", _PEOPLE, "Add, list and remove tokens of services, such as CI."),
    Row("pki", "commands.pki:app", _PEOPLE, "Make an authority, and certificates for switches and controllers."),
    Row(
        "audit-log", "commands.audit_log:app", _PEOPLE, "Show, check and export the audit log: who did what, and when."
    ),
    Row(
        "backup",
        "commands.backup:backup",
        _CONTROLLER,
        "Copy a controller's store: revisions, proofs, people, proposals, the audit log.",
    ),
    Row(
        "restore",
        "commands.backup:restore",
        _CONTROLLER,
        "Put a copy in place of a controller's store. Stop the controller first.",
    ),
    Row(
        "drain",
        "commands.drain:drain",
        _CONTROLLER,
        "Prove what happens when a switch is taken away: who loses traffic, and that nobody else does.",
    ),
    Row(
        "demo", "commands.demo:demo", _OTHER, "Run a demonstration on simulated networks, whose every claim is checked."
    ),
    Row("doctor", "commands.doctor:doctor", _OTHER, "Check this environment and suggest fixes."),
    Row("schema", "commands.schema:schema", _OTHER, "Print the JSON Schema of intents and topologies, for editors."),
)


class _Commands(TyperGroup):
    """The commands of the table. A listing sees their names and summaries; a command's module is imported to run it."""

    def __init__(self, **settings: Any) -> None:
        stubs = {row.name: TyperCommand(row.name, help=row.summary, rich_markup_mode=None) for row in COMMANDS}
        super().__init__(**{**settings, "commands": stubs})

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command and load(command.name or ""), rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The commands by panel, in the order of the table."""
        for panel in dict.fromkeys(row.panel for row in COMMANDS):
            with formatter.section(panel):
                formatter.write_dl([(row.name, row.summary) for row in COMMANDS if row.panel == panel])


def load(name: str) -> Any:
    """The command of this name. Raises StopIteration for one that is not in the table."""
    row = next(row for row in COMMANDS if row.name == name)
    module, _, attribute = row.place.partition(":")
    path = f"{__package__}.{module}" if module.startswith("commands.") else module
    target = getattr(import_module(path), attribute)
    if isinstance(target, typer.Typer):
        target.info.name = name
        return lighten(typer.main.get_command(target))
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name)(target)
    return lighten(typer.main.get_command(app))


app = typer.Typer(
    cls=_Commands, name="clos", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - needed by nothing else

        typer.echo(f"clos {version('clos-fabric')}")
        raise typer.Exit


def _debug(wanted: bool) -> None:
    if wanted:
        os.environ[DEBUG] = "1"  # for the processes that a command starts, too


@app.callback()
def _clos(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", callback=_debug, is_eager=True, help="Show the traceback of an internal error.")
    ] = False,
) -> None:
    """Clos: intents in YAML become OpenFlow rules on a spine-leaf fabric.

    Exit codes: 0 yes, 1 no (a check failed, documents are invalid, a change was refused), 2 usage, 3 could not check or
    carry out, 4 changes (only with --detailed-exitcode), 70 internal error. docs/cli.md has the whole table.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; always raises SystemExit."""
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    """The exit code of a command, whatever ends it."""
    try:
        found = lighten(typer.main.get_command(app)).main(arguments, prog_name="clos", standalone_mode=False)
        sys.stdout.flush()
        return found if isinstance(found, int) else OK
    except Stop as stop:
        stop.print()
        return stop.code
    except Unanswerable as error:
        stop_for(error).print()
        return stop_for(error).code
    except UsageError as error:
        error.show()
        return USAGE
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except SystemExit as end:  # typer's own: nobody reads what is printed any more (EPIPE)
        return UNCHECKED if end.code else OK
    except OSError as fault:
        return _unwritten(fault) if fault.errno in UNWRITABLE else _internal(fault)
    except Exception as fault:
        return _internal(fault)


def _unwritten(fault: OSError) -> int:
    complain(f"the answer cannot be written: {fault.strerror}")
    with suppress(OSError, ValueError):  # what is left in the buffer would be complained of once more at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return UNCHECKED


def _internal(fault: Exception) -> int:
    if os.environ.get(DEBUG):
        traceback.print_exc()
    what = f"{type(fault).__name__}: {fault}".partition("\n")[0]
    complain(f"internal error: {what}; please report it in the project's issue tracker, with what clos --debug prints")
    return INTERNAL
