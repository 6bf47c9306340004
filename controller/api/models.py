"""The documents of the API, described once: for FastAPI to check and for OpenAPI to print.

Must not know: the daemon. Every answer has a ``format_version``; it goes up when a key changes meaning or goes away.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from clos.controller.printable import escaped

FORMAT_VERSION = 1
NAME = 1024
"""Longest name of a document."""


class Question(BaseModel):
    """What is sent to the daemon: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Reply(BaseModel):
    """What the daemon answers."""

    model_config = ConfigDict(from_attributes=True)
    format_version: int = Field(default=FORMAT_VERSION, description="Of this document.")


class Part(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(from_attributes=True)


class Document(Question):
    name: Annotated[str, AfterValidator(escaped)] = Field(
        min_length=1, max_length=NAME, description="File name, as problems will call it; control characters escaped."
    )
    text: str = Field(description="YAML.")


class PlanRequest(Question):
    sources: list[Document] = Field(max_length=10_000, description="All intent documents; they replace those in force.")
    topology: Document | None = Field(
        default=None,
        description="Default: the topology in force; before the first revision, the one the daemon was started with.",
    )
    limit: int = Field(default=1000, ge=0, le=10_000_000, description="Entries written out; the rest is counted.")
    untouched: bool = Field(default=False, description="Compare rules before and after, however many there are.")


Allow = Annotated[
    str,
    Field(
        pattern=r"^(deletes|empty|overflow|uplink|identity|adopt|offline|unproven|delete-tenant=[A-Za-z0-9._-]{1,63})$"
    ),
]


class RollbackPlanRequest(Question):
    revision: int = Field(ge=1, description="The revision whose rules the fabric would hold again.")
    limit: int = Field(default=1000, ge=0, le=10_000_000, description="Entries written out; the rest is counted.")


class Change(Question):
    who: str = Field(default="", max_length=256, description="Who asks, for the history.")
    why: str = Field(default="", max_length=4096, description="The reason, for the history.")
    allow: list[Allow] = Field(
        [],
        max_length=10_000,
        description="Brakes: deletes, empty, overflow, uplink, identity, adopt, `delete-tenant=NAME`; `offline`: leave "
        "out who is absent; `unproven`: go on without a proof.",
    )
    expect_revision: int | None = Field(
        default=None, ge=0, description="Refuse if another one is in force; 0: none yet."
    )


class ApplyRequest(Change):
    sources: list[Document] = Field(max_length=10_000, description="All intent documents; they replace those in force.")
    topology: Document | None = Field(
        default=None,
        description="Default: the topology in force; before the first revision, the one the daemon was started with.",
    )


class RollbackRequest(Change):
    revision: int = Field(ge=1, description="The revision whose rules the fabric is to hold again.")


class RepairRequest(Question):
    who: str = Field(default="", max_length=256, description="Who asks, for the audit log.")
    switches: list[str] = Field(default=[], max_length=10_000, description="Default: all.")
    remove_foreign: bool = Field(default=False, description="Consent to delete rules that are not Clos's.")


class Problem(Part):
    file: str
    line: int = Field(description="From 1; 0 where there is none.")
    column: int
    path: str = Field(description="The key concerned, such as `spec.policies[2].to`.")
    message: str


class Counterexample(Part):
    claim: str
    text: str = Field(description="What happens to the packet, and what the intent says of it.")
    at: str = Field(description="Where it comes in: `switch:port`.")
    data: str = Field(description="The packet in hexadecimal digits.")
    packet: str = Field(description="An expression for scapy that makes it.")
    trace: list[str] = Field(description="What switches do with it, rule by rule.")
    lines: list[str] = Field(description="Places in the documents of the rules that it meets: `file:line:column path`.")


class ErrorBody(Part):
    code: str = Field(description="Stable, for programs: invalid, limit, stale, busy, brakes, offline, switch, ...")
    message: str = Field(description="For people: what, where, what to do.")
    problems: list[Problem] = Field(default=[], description="Every problem of the documents.")
    allow: list[str] = Field(default=[], description="What to allow so that the change would be carried out.")
    counterexamples: list[Counterexample] = Field(default=[], description="With `gate`: packets that break a claim.")


class ErrorReply(Reply):
    error: ErrorBody


class Counts(Part):
    add: int
    change: int
    delete: int


class PlanSummary(Counts):
    switches: int
    batches: int
    text: str = Field(description="`Plan: 12 to add, 3 to change, 4 to delete on 5 switches in 4 batches`")


class Brake(Part):
    name: str = Field(description="What to put into `allow`.")
    message: str
    count: int = Field(description="What the plan does.")
    limit: int = Field(description="What goes without being allowed.")
    flag: str = Field(description="The command line's flag.")
    switches: list[str]


class Sentence(Part):
    model_config = ConfigDict(extra="allow")
    kind: str = Field(description="permits, refuses, adds, removes, changes, network, remark or limits.")
    text: str = Field(description="`newly permits shop/web -> shop/db tcp/1433`; the other keys depend on the kind.")


class Stray(Part):
    at: str
    host: str
    before: str = Field(description="What became of it: `dropped`, `to app1`.")
    after: str
    packet: str = Field(description="An expression for scapy that makes it.")
    hex: str
    text: str


class Compared(Part):
    compared: bool = Field(description="Whether all packets were followed through the rules before and after.")
    why: str = Field(description="Why not.")
    ports: int = Field(description="Hosts' ports at which packets were followed.")
    strays: list[Stray] = Field(description="Packets treated unlike of which nothing was said; the first few.")
    found: int = Field(description="Sets of such packets in all.")


class Difference(Part):
    text: str = Field(description="All of it in a line.")
    sentences: list[Sentence] = Field(description="In words of intent; what matters most comes first.")
    packets: list[dict[str, Any]] = Field(description="The packets with another fate: exactly these, by header field.")
    omitted: int = Field(description="Sets of packets counted but not written out.")
    rules: Compared = Field(description="Whether the rules change no more than that.")


class PlanReply(Reply):
    base: int = Field(description="The revision the plan starts from; pass it as `expect_revision`.")
    summary: PlanSummary
    switches: dict[str, Any] = Field(description="Counts by switch, and table of rules.")
    batches: list[dict[str, Any]] = Field(description="Pushes in the order they are sent.")
    omitted: int = Field(description="Entries counted but not written out.")
    brakes: list[Brake] = Field(description="What holds the plan back until it is allowed.")
    identities: list[str] = Field(
        description="Switches that become other boxes and nodes that get other tags, in words."
    )
    offline: list[str] = Field(description="Switches concerned that are not connected.")
    interrupted: list[str] = Field(description="Tenants without traffic while the plan is carried out.")
    difference: Difference = Field(description="What the plan means for packets.")
    cabling: list[str] = Field(description="Links that are not as designed right now, in words.")


class Begun(Reply):
    """A line of a change: it is recorded and its first message is about to leave."""

    event: Literal["begun"] = "begun"
    revision: int
    batches: int
    switches: int
    offline: list[str] = Field(description="Switches that get the change when they join.")


class Proving(Reply):
    """A line of a change before `begun`, when its proof takes long: the state that is being proved."""

    event: Literal["proving"] = "proving"
    number: int = Field(description="Of the batch that leads to it, from 1; 0: nothing is to be sent.")
    batches: int
    batch: str


class Progress(Reply):
    """A line of a change: one more switch has confirmed its part of a batch."""

    event: Literal["progress"] = "progress"
    batch: str
    number: int = Field(description="Of the batch, from 1.")
    batches: int
    confirmed: int = Field(description="Switches that have confirmed this batch.")
    switches: int = Field(description="Switches this batch concerns.")


class TakingBack(Reply):
    """A line of a change: it failed and is being taken back."""

    event: Literal["taking_back"] = "taking_back"
    revision: int
    reason: str


class Applied(Reply):
    """The last line of a change that succeeded."""

    event: Literal["applied"] = "applied"
    revision: int = Field(description="What the fabric holds.")
    changed: bool = Field(description="Whether that is a new revision.")
    counts: Counts
    entries: int = Field(description="Entries that switches confirmed.")
    seconds: float
    offline: list[str] = Field(description="Switches that get the change when they join.")
    interrupted: list[str]
    proof: Literal["proved", "unproven", ""] = Field(description="Empty: nothing changed.")
    proof_text: str = Field(description="What is proved, or what is not.")
    proof_seconds: float
    not_proved: list[str] = Field(description="What the proof does not speak of, in sentences.")
    drifted: list[str] = Field(description="Switches that held other entries than they should have; now they do not.")


class Failed(ErrorReply):
    """The last line of a change that failed."""

    event: Literal["error"] = "error"


class Switch(Part):
    name: str
    role: str
    dpid: int
    connected: bool
    in_line: bool = Field(description="Holds what it should, by read-back or by barrier.")
    since: str = Field(description="When it last connected or left (UTC); empty: never seen.")
    foreign: int = Field(description="Rules on it that are not Clos's, when last read back.")
    problem: str = Field(description="Why it is not in line.")


class Fault(Part):
    when: str
    switch: str
    text: str


class ClusterMember(Part):
    name: str
    url: str = Field(description="Of its API.")
    since: str
    number: int = Field(description="Transactions of the store that it has heard of.")
    leads: bool


class Cluster(Part):
    name: str = Field(description="Of the controller that answers.")
    leads: bool = Field(description="It certainly led when it had put this answer together.")
    leader: str = Field(description="Empty: none, as far as is known.")
    term: int = Field(description="Of its last leadership; grows with every leader.")
    age: float = Field(description="Seconds since it last heard a majority of etcd: what it reads is no older.")
    store: str
    members: list[ClusterMember]
    problem: str = Field(description="Why etcd cannot be asked; empty: it can.")


class ClusterReply(Reply):
    leads: bool = Field(description="Whether changes can be made here. One controller alone always leads.")
    cluster: Cluster | None = Field(None, description="None where there is one controller.")


class StatusReply(Reply):
    revision: int = Field(description="In force; 0: none yet.")
    pending: int | None = Field(description="A revision whose apply was interrupted and is being recovered.")
    doing: str = Field(description="The change under way, for people; empty: none.")
    topology: str
    topology_changed: bool = Field(description="The daemon's topology file differs from the one in force.")
    recompiled: bool = Field(description="Another version of Clos made the rules in force; apply to take this one's.")
    started: str
    openflow: tuple[str, int] = Field(description="Where switches connect.")
    expected: int = Field(description="Switches of the topology.")
    connected: int
    in_line: int
    foreign: int = Field(description="Rules that are not Clos's, on all switches.")
    strangers: list[str] = Field(description="Switches of no topology that have connected.")
    faults: list[Fault] = Field(description="What went wrong lately, oldest first.")
    miscabled: int = Field(description="Links that are miswired, missing or unknown; see `/v1/links`.")
    cluster: Cluster | None = Field(None, description="Of several controllers, who leads and who follows.")


class CabledLink(Part):
    a: str = Field(description="`leaf1:49`")
    b: str = Field(description="The other end; for an unknown link, who is heard there.")
    state: str = Field(description="`as designed`, `miswired`, `missing`, `unknown`, or `not seen yet`.")
    text: str = Field(description="What differs, for people; empty: nothing.")


class LinksReply(Reply):
    discovery: bool = Field(description="Whether cables are looked at; if not, there are no links here.")
    miscabled: int = Field(description="Links that are miswired, missing or unknown.")
    links: list[CabledLink] = Field(description="Those of the topology in its order, then those that it does not have.")


class SwitchesReply(Reply):
    switches: list[Switch]


class Drifted(Part):
    switch: str
    in_line: bool
    missing: int
    changed: int
    unexpected: int
    foreign: list[str]
    error: str = Field(description="Why it could not be read.")


class DriftReply(Reply):
    revision: int
    in_line: bool = Field(description="Whether every switch holds exactly the revision.")
    switches: list[Drifted]


class DigestsReply(Reply):
    digests: dict[str, str] = Field(description="By switch: the sum modulo 2**256 of BLAKE2b-256 of its entries.")


class Record(Part):
    number: int
    who: str
    when: str
    why: str
    status: Literal["applying", "applied", "undone", "failed"]
    current: bool
    base: int | None
    batches: int = Field(description="Batches that every switch confirmed.")
    ended: str | None
    note: str
    summary: dict[str, Any]
    verdict: Literal["proved", "unproven", ""] = Field(description="Empty: made before proofs were kept.")


class RevisionsReply(Reply):
    revisions: list[Record] = Field(description="Newest first.")


class RevisionReply(Reply, Record):
    sources: dict[str, str] = Field(description="Intent documents by file name.")
    topology: str = Field(description="The topology's document.")
    numbering: str = Field(description="The compiler's; documents compiled with it give the very rules that held.")
    proof: dict[str, Any] | None = Field(
        description="What was proved of each state, and digests of what switches hold."
    )


class RepairReply(Reply):
    failed: dict[str, str] = Field(description="Why, by switch, for those that are still not in line.")
    foreign: dict[str, int] = Field(description="Entries that Clos did not install and left alone, by switch.")
    absent: list[str] = Field(description="Switches that are not connected, so not read back.")
