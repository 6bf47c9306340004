"""A demonstration's story: claims that hold or do not, told while they are made.

Lives here: claims, and what they come to. Must not know: what is demonstrated.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import typer

from clos.controller.cli.demo_stage import Ran


class Claim(NamedTuple):
    """Something that was looked at. ``act``: the title under which."""

    act: str
    what: str
    holds: bool


class Story:
    """The claims made so far."""

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self.act = ""

    @property
    def held(self) -> int:
        return sum(claim.holds for claim in self.claims)

    @property
    def broken(self) -> list[str]:
        return [claim.what for claim in self.claims if not claim.holds]

    def begin(self, act: str) -> None:
        self.act = act
        say(f"\n=== {act}")

    def claim(self, what: str, true: bool) -> None:
        say(f"{'ok ' if true else 'NOT'} {what}")
        self.claims.append(Claim(self.act, what, true))

    def ran(self, what: str, done: Ran, code: int = 0, words: str = "") -> Ran:
        """Claim that a command ended with this exit code and said these words."""
        self.claim(f"{what} (exit code {done.code})", done.code == code and words in done.text)
        return done

    def to_json(self, seconds: float) -> dict[str, Any]:
        """For programs."""
        claims = [claim._asdict() for claim in self.claims]
        return {"held": self.held, "of": len(claims), "seconds": round(seconds, 1), "claims": claims}


def say(line: str) -> None:
    typer.echo(line)
