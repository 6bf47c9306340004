"""Lines that are set, replaced and taken away by their first words.

Lives here: plain settings, switches that are on by default, passive interfaces, the hostname, passwords.
Must not know: what a setting does to the network.
"""

from __future__ import annotations

import re
from dataclasses import replace

from clos.fabric.sim.legacy.grammar import Match
from clos.fabric.sim.legacy.names import name_order
from clos.fabric.sim.legacy.passwords import hashed
from clos.fabric.sim.legacy.settings.request import Request, Result
from clos.fabric.sim.legacy.tree import Order, Tree, edited, placed, without


def set_line(request: Request) -> Result:
    if request.negated:
        return request.kept(lambda lines: removed(lines, request.match)), ""
    match = request.match
    return request.kept(lambda lines: placed(lines, request.line(match.text, match.key, _natural(match)))), ""


def _natural(match: Match) -> Order:
    """Lists and neighbours by number, interfaces by theirs; everything else in the order of its coming."""
    if match.words[0] == "interface":
        return name_order(match.arguments[0])
    return ()


def removed(lines: Tree, match: Match) -> Tree:
    """Without the line that is this one, those whose key begins with the given words, and the one with its key."""
    words = match.key + " "
    return without(lines, lambda line: line.key == match.key or line.key.startswith(words) or line.text == match.text)


def set_default_on(request: Request) -> Result:
    """Kept is only the negation: ``no switchport``. ``default`` is not told apart: no row needs it."""
    key = request.match.key
    if request.negated:
        return request.kept(lambda lines: placed(lines, request.line(f"no {key}", f"no {key}"))), ""
    return request.kept(lambda lines: without(lines, lambda line: line.key == f"no {key}")), ""


def set_passive(request: Request) -> Result:
    """With ``passive-interface default`` the exceptions are kept, without it the passive ones."""
    key = request.match.key
    default = any(line.text == "passive-interface default" for line in request.block)
    text = f"no {key}" if request.negated else key
    gone = request.kept(lambda lines: without(lines, lambda line: line.text in {key, f"no {key}"}))
    if request.negated != default:
        return gone, ""
    return edited(gone, request.path, lambda lines: placed(lines, request.line(text, text))), ""


def set_hostname(request: Request) -> Result:
    if request.negated:
        return set_line(request)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", request.match.arguments[0]):
        return request.tree, "% Hostname contains one or more illegal characters.\n"
    return set_line(request)


def set_secret(request: Request) -> Result:
    """A password written in clear is kept as its hash (type 9: scrypt)."""
    match = request.match
    if request.negated or match.words[-2] == "9":
        return set_line(request)
    words = match.words[:-2] if match.words[-2] == "0" else match.words[:-1]
    if match.words[-2] not in {"0", "secret", "password"} and match.words[-2].isdecimal():
        return request.tree, "ERROR: The secret you entered is not a valid encrypted secret.\n"
    kept = tuple("secret" if word == "password" else word for word in words)
    return set_line(replace(request, match=replace(match, words=(*kept, "9", hashed(match.words[-1])))))
