"""Rows in a test's etcd, of whoever leads there and of who follows."""

from __future__ import annotations

from clos.controller.store import etcd_client as etcd
from clos.controller.store.etcd import LEADER, EtcdRows, Fence
from tests.support.etcd_members import Members


def client(members: Members) -> etcd.Etcd:
    return etcd.Etcd(etcd.endpoints(members.address))


def lead(rows: EtcdRows, members: Members) -> None:
    """Make them the rows of whoever leads, and of nobody else."""
    asked = client(members)
    asked.commit([], [etcd.delete(LEADER)])
    asked.commit([], [etcd.put(LEADER, b"")])
    rows.catch_up()
    rows.fence = Fence(asked.get(LEADER).created, lambda: True)


def following(members: Members) -> EtcdRows:
    rows = EtcdRows(client(members))
    rows.catch_up()
    return rows


def leading(members: Members) -> EtcdRows:
    rows = EtcdRows(client(members))
    lead(rows, members)
    return rows
