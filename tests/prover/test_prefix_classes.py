"""Laws of longest-prefix-match tables: atoms and classes against looking up every single address."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.algorithms.prefix_classes import NOWHERE, BadRoute, Forwarding, Ports, Route

BITS = 5
DEVICES = ("a", "b", "c")
brief = settings(max_examples=300, deadline=None)

routes = st.builds(
    lambda address, length, port: (address & -1 << BITS - length, length, port),
    st.integers(0, (1 << BITS) - 1),
    st.integers(0, BITS),
    st.sampled_from("xyz"),
)
tables = st.dictionaries(st.sampled_from(DEVICES), st.lists(routes, max_size=6))
edits = st.lists(st.tuples(st.sampled_from(DEVICES), routes, st.booleans()), max_size=12)


def ports_of(address: int, table: list[Route]) -> Ports:
    """Longest match, by looking at every route."""
    there = [route for route in table if address >> BITS - route[1] == route[0] >> BITS - route[1]]
    longest = max((length for _, length, _ in there), default=0)
    return frozenset(port for _, length, port in there if length == longest)


def ends(held: dict[str, list[Route]]) -> set[int]:
    """Where an atom begins."""
    begins = {prefix for table in held.values() for prefix, _, _ in table}
    after = {prefix + (1 << BITS - length) for table in held.values() for prefix, length, _ in table}
    return ({0} | begins | after) - {1 << BITS}


def assert_exact(net: Forwarding, held: dict[str, list[Route]]) -> None:
    starts = sorted(ends(held))
    atoms = [(low, high - 1) for low, high in zip(starts, [*starts[1:], 1 << BITS], strict=True)]
    classes: dict[tuple[Ports, ...], list[tuple[int, int]]] = {}
    for atom in atoms:
        row = tuple(ports_of(atom[0], held.get(device, [])) for device in net.devices)
        classes.setdefault(row, []).append(atom)
    assert (net.atoms, len(net)) == (len(atoms), len(classes))
    assert list(net.classes().items()) == list(classes.items())


@given(tables)
@brief
def test_atoms_and_classes_are_those_of_every_single_address(held: dict[str, list[Route]]) -> None:
    assert_exact(Forwarding(held, BITS), held)


@given(tables)
@brief
def test_no_two_addresses_of_an_atom_are_treated_differently(held: dict[str, list[Route]]) -> None:
    net = Forwarding(held, BITS)
    for row, atoms in net.classes().items():
        for first, last in atoms:
            for address in range(first, last + 1):
                assert row == tuple(ports_of(address, held[device]) for device in net.devices)


def column(table: list[Route]) -> list[Ports]:
    return [ports_of(address, table) for address in range(1 << BITS)]


@given(tables, edits)
@brief
def test_route_by_route_equals_all_at_once(
    held: dict[str, list[Route]], changes: list[tuple[str, Route, bool]]
) -> None:
    net = Forwarding(held, BITS)
    now = {device: list(dict.fromkeys(table)) for device, table in held.items()}
    for device, route, add in changes:
        before = now.get(device, [])
        if add:
            changed = net.insert(device, route)
            now[device] = list(dict.fromkeys([*before, route]))
        elif route in before:
            changed = net.remove(device, route)
            now[device] = [each for each in before if each != route]
        else:
            with pytest.raises(BadRoute, match=device):
                net.remove(device, route)
            continue
        assert_exact(net, now)
        assert (changed == 0) == (column(before) == column(now[device]))
    assert net.classes() == Forwarding({device: now[device] for device in net.devices}, BITS).classes()


@given(tables)
@brief
def test_taking_every_route_away_leaves_one_atom_of_one_class(held: dict[str, list[Route]]) -> None:
    net = Forwarding(held, BITS)
    for device, table in held.items():
        for route in dict.fromkeys(table):
            net.remove(device, route)
    assert net.classes() == {(NOWHERE,) * len(held): [(0, (1 << BITS) - 1)]}
    assert (net.atoms, len(net)) == (1, 1)


def test_several_routes_for_one_prefix_are_one_set_of_ports() -> None:
    net = Forwarding({"a": [(0, 1, "x"), (0, 1, "y"), (0, 1, "x")], "b": []}, bits=1)
    assert net.classes() == {(frozenset("xy"), NOWHERE): [(0, 0)], (NOWHERE, NOWHERE): [(1, 1)]}
    net.remove("a", (0, 1, "y"))
    assert (frozenset("x"), NOWHERE) in net.classes()


@pytest.mark.parametrize("route", [(1, 0, "x"), (32, 5, "x"), (-1, 5, "x"), (0, 6, "x"), (0, -1, "x")])
def test_a_route_of_no_such_address_is_refused(route: Route) -> None:
    with pytest.raises(BadRoute, match=r"is not a prefix of 5-bit addresses"):
        Forwarding({"a": [route]}, BITS)
    with pytest.raises(BadRoute, match=r"is not a prefix of 5-bit addresses"):
        Forwarding({}, BITS).insert("a", route)
