"""Speakers at the borders, in a daemon with a simulated fabric: through the API, and over a restart."""

from __future__ import annotations

import os
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from clos.controller.api import access
from clos.controller.api.app import create_app
from clos.controller.api.client import ApiError, Client
from clos.controller.api.guard import Guard
from clos.controller.api.server import Server
from clos.controller.daemon.errors import Refused
from clos.controller.migrate.plan.model import HsrpSpeaker, Speakers
from clos.controller.migrate.speakers.config import speakers_json
from tests.support.daemon_harness import FABRIC, Rig
from tests.support.waiting import eventually

HOST = next(iter(FABRIC.hosts.values()))
GROUP = HsrpSpeaker(HOST.name, 10, 10, 1, IPv4Address("10.1.10.4"), "02:c1:05:00:10:04", (IPv4Address("10.1.10.1"),),
                    "00:00:0c:07:ac:0a", 200, 3000, 10000, True)  # fmt: skip
DOCUMENT = speakers_json(Speakers((GROUP,)))


@pytest.fixture
def rig(tmp_path, monkeypatch):
    with Rig(tmp_path / "state", monkeypatch) as made:
        yield made


def sent(rig) -> int:
    """Frames that have left the host's port."""
    at = HOST.ports[0]
    return rig.sim.call(lambda network: network.switches[at.switch].ports[at.port].tx_packets)


def test_speakers_are_set_and_shown_through_the_api_and_speak_on_the_wire(rig) -> None:
    before = sent(rig)
    app = Guard(create_app(rig.daemon), access.token(rig.state_dir), 1 << 20)
    with Server(app, "127.0.0.1", 0) as server:
        access.publish(rig.state_dir, access.Addresses(server.address, ("127.0.0.1", rig.port), os.getpid()))
        with Client.from_state_dir(rig.state_dir) as client:
            answer = client.speak(DOCUMENT, who="ann")
            assert answer["speakers"] == DOCUMENT and answer["hsrp"][0]["state"] == "Active"
            assert eventually(lambda: sent(rig) >= before + 3)  # a coup, a hello, a gratuitous ARP
            unknown = speakers_json(Speakers((replace(GROUP, border="nowhere"),)))
            with pytest.raises(ApiError, match="nowhere"):
                client.speak(unknown)
            with pytest.raises(ApiError, match="cannot be read"):
                client.speak({"hsrp": [{}]})
            assert client.speakers()["speakers"] == DOCUMENT
    assert rig.daemon.revisions.store.audit_log(1)[0].action == "speakers"


def test_a_restarted_daemon_speaks_on(rig) -> None:
    rig.daemon.borders.configure(DOCUMENT)
    rig.restart()
    rig.settle()
    before = sent(rig)
    assert rig.daemon.borders.config() == DOCUMENT
    assert rig.daemon.borders.report()["hsrp"][0]["state"] == "Active"
    assert eventually(lambda: sent(rig) > before)


def test_a_key_that_the_environment_lacks_is_named_and_nothing_is_spoken(rig) -> None:
    with pytest.raises(Refused, match="CLOS_HSRP_KEY_10"):
        rig.daemon.borders.configure(speakers_json(Speakers((replace(GROUP, authentication="md5"),))))
    assert rig.daemon.borders.report()["hsrp"] == []
