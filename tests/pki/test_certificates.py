"""Laws of certificates: a switch's is good for that switch alone; what is wrong is refused by name, over real TLS."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import ssl
import stat
import subprocess

import pytest

from clos.controller.api import access
from clos.controller.api.client import Client, NoDaemon
from clos.controller.api.guard import Guard
from clos.controller.api.server import CannotServe, Server
from clos.controller.daemon.switches.switches import Switches
from clos.controller.pki.authority import Authority, Pair, Unusable, about, new_authority
from clos.controller.pki.identity import ids_of, name_of
from clos.controller.wire import events
from clos.controller.wire.controller import Controller
from clos.controller.wire.osken import patches as osken
from tests.support.cli_run import clos
from tests.support.waiting import eventually
from tests.support.wire_peer import Fleet


def write(place, name, pair):
    (place / f"{name}.key").write_bytes(pair.key)
    (place / f"{name}.pem").write_bytes(pair.certificate)
    return str(place / f"{name}.key"), str(place / f"{name}.pem")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """An authority, another one, and certificates of both, by name."""
    where = tmp_path_factory.mktemp("pki")
    pair, other = new_authority("ours"), new_authority("another")
    ours, theirs = Authority(pair), Authority(other)
    write(where, "ca", pair)
    write(where, "other", other)
    write(where, "controller", ours.controller("clos1", ["localhost", "127.0.0.1"]))
    write(where, "leaf1", ours.switch("leaf1", 1))
    write(where, "leaf2", ours.switch("leaf2", 2))
    write(where, "forged", theirs.switch("leaf1", 1))
    write(where, "expired", ours.switch("leaf1", 1, days=0))
    return where


def shown(place, name):
    """How a switch connects that shows a certificate; empty: none."""
    context = ssl.create_default_context(cafile=str(place / "ca.pem"))
    if name:
        context.load_cert_chain(str(place / f"{name}.pem"), str(place / f"{name}.key"))
    return {"ssl": context, "server_hostname": "localhost"}


def controller(place, bound=True):
    key, certificate = str(place / "controller.key"), str(place / "controller.pem")
    return Controller({1: "leaf1"}, port=0, tls=osken.Tls(key, certificate, str(place / "ca.pem"), bound))


def test_a_switch_connects_with_its_own_certificate(place):
    with controller(place) as wire, Fleet(wire.address) as fleet:
        fleet.connect(1, **shown(place, "leaf1"))
        assert not wire.wait_for(["leaf1"], 5)


def test_a_switch_with_anothers_certificate_is_refused_and_told_by_name(place):
    heard = []
    with controller(place, bound=False) as wire, Fleet(wire.address) as fleet:
        wire.subscribe(heard.append)
        fleet.connect(1, **shown(place, "leaf2"))
        assert eventually(lambda: any(isinstance(event, events.Uncertified) for event in heard))
        (refused,) = (event for event in heard if isinstance(event, events.Uncertified))
        assert (refused.switch, refused.dpid) == ("leaf1", 1)
        assert refused.text == "it says its datapath id is 0x1, and its certificate is for 0x2"
        assert not wire.connected()


@pytest.mark.parametrize("name", ["forged", "expired", ""])
def test_a_certificate_that_is_forged_expired_or_missing_lets_nobody_in(place, name):
    with controller(place) as wire, Fleet(wire.address) as fleet:
        with contextlib.suppress(OSError, ssl.SSLError):
            fleet.connect(1, **shown(place, name))
        assert wire.wait_for(["leaf1"], 0.5) == {"leaf1"}


def test_a_certificate_without_a_datapath_id_is_let_in_only_where_none_is_asked_for(place, tmp_path):
    if not (openssl := shutil.which("openssl")):
        pytest.skip("makes a certificate with openssl, which is not installed")
    for name in ("ca.key", "ca.pem"):
        shutil.copy(place / name, tmp_path)
    for words in (
        "req -new -newkey rsa:2048 -nodes -subj /CN=old -keyout old.key -out old.csr",
        "x509 -req -in old.csr -CA ca.pem -CAkey ca.key -days 2 -out old.pem",
    ):
        subprocess.run([openssl, *shlex.split(words)], cwd=tmp_path, check=True, capture_output=True)
    for bound in (False, True):
        with controller(place, bound) as wire, Fleet(wire.address) as fleet:
            fleet.connect(1, **shown(tmp_path, "old"))
            assert bool(wire.wait_for(["leaf1"], 1 if bound else 5)) == bound


def test_openssl_takes_what_is_made(place):
    if not (openssl := shutil.which("openssl")):
        pytest.skip("openssl is not installed")
    for name, purpose in (("leaf1", "sslclient"), ("controller", "sslserver")):
        verify = [openssl, "verify", "-x509_strict", "-purpose", purpose, "-CAfile", "ca.pem", f"{name}.pem"]
        assert subprocess.run(verify, cwd=place, capture_output=True, check=False).returncode == 0
    wrong = [openssl, "verify", "-purpose", "sslserver", "-CAfile", "ca.pem", "leaf1.pem"]
    assert subprocess.run(wrong, cwd=place, capture_output=True, check=False).returncode != 0


def test_the_api_speaks_https_to_whoever_trusts_its_authority(place, monkeypatch):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"revision": 7}'})

    tls = (str(place / "controller.key"), str(place / "controller.pem"))
    with Server(Guard(app, "word"), "127.0.0.1", 0, tls=tls) as server:
        url = access.Addresses(server.address, ("127.0.0.1", 1), 1, tls=True).url
        assert url.startswith("https://")
        assert Client(url, "word", authority=str(place / "ca.pem")).status() == {"revision": 7}
        for authority in (str(place / "other.pem"), ""):
            with pytest.raises(NoDaemon, match=r"is not trusted: .*CLOS_CA"):
                Client(url, "word", authority=authority).status()
        with pytest.raises(NoDaemon):
            Client(url.replace("https", "http"), "word").status()
    with pytest.raises(CannotServe, match="key and certificate cannot be used"):
        Server(Guard(app, "word"), "127.0.0.1", 0, tls=(tls[1], tls[0]))


def test_datapath_ids_are_written_and_read_alike():
    for number in (1, 0xABCDEF, (1 << 64) - 1):
        assert ids_of([("DNS", "x"), ("URI", name_of(number))]) == {number}
    assert ids_of([("URI", "urn:clos:dpid:1"), ("URI", "urn:other"), ("DNS", name_of(1))]) is None


def test_files_that_do_not_belong_together_are_refused(place):
    ours, theirs = (Pair((place / f"{n}.key").read_bytes(), (place / f"{n}.pem").read_bytes()) for n in ("ca", "other"))
    with pytest.raises(Unusable, match="do not belong together"):
        Authority(Pair(ours.key, theirs.certificate))
    with pytest.raises(Unusable, match="PEM"):
        Authority(Pair(b"x", ours.certificate))
    with pytest.raises(Unusable, match="PEM"):
        about(b"x")


def test_the_command_makes_one_for_each_switch_and_none_twice(tmp_path):
    where = ("--dir", tmp_path / "pki")
    assert clos("pki", "switches", "topologies/demo.yaml", *where).code == 2
    assert clos("pki", "init", *where).code == 0
    assert clos("pki", "init", *where).code == 2
    assert len(clos("pki", "switches", "topologies/demo.yaml", *where, "--json").data["files"]) == 12
    assert clos("pki", "switches", "topologies/demo.yaml", *where, "--json").data["files"] == []
    assert clos("pki", "controller", "clos1", "--host", "10.0.0.9", *where).code == 0
    assert clos("pki", "switch", "../x", "0x1", *where).code == 2
    assert clos("pki", "switch", "leaf1", "zero", *where).code == 2
    rows = {row["file"]: row for row in clos("pki", "list", *where, "--json").data["certificates"]}
    assert len(rows) == 8
    assert rows["leaf1.pem"]["names"] == ["urn:clos:dpid:0000000000020001"]
    assert "10.0.0.9" in rows["clos1.pem"]["names"]
    modes = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "pki").iterdir()}
    assert modes == {".key": 0o600, ".pem": 0o644}


def test_the_authority_is_in_the_state_directory_where_commands_look_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CLOS_STATE", str(tmp_path / "state"))
    assert clos("pki", "init").code == 0
    assert (tmp_path / "state" / "pki" / "ca.pem").is_file()


def test_one_who_tries_again_and_again_is_one_fault():
    switches = Switches(Controller({}))
    switches.inventory.expect(["leaf1"])
    for port in range(50):
        switches._on_event(events.Uncertified("leaf1", 1, f"10.0.0.9:{port}", "its certificate is for 0x2"))
    (fault,) = switches.inventory.faults
    assert (fault.switch, fault.text) == ("leaf1", "refused 10.0.0.9: its certificate is for 0x2")
