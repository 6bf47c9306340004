"""A store in etcd for tests: one member for a module, emptied for each test."""

from __future__ import annotations

import pytest

from clos.controller.store import etcd_client as etcd
from clos.controller.store.etcd import ROOT
from tests.store_.rows_in_etcd import client
from tests.support.etcd_members import Members, require_etcd


@pytest.fixture(scope="module")
def etcd_member():
    require_etcd()
    with Members() as members:
        yield members


@pytest.fixture
def member(etcd_member):
    """An etcd with nothing of Clos in it."""
    client(etcd_member).commit([], [etcd.delete_between(ROOT, "clos0")])
    return etcd_member
