"""Each fault of os-ken that controller/wire/osken/patches.py mends, held by the number it has there."""

from __future__ import annotations

import contextlib
import logging
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest

from clos.controller.wire.controller import Controller
from clos.controller.wire.events import Joined, Left
from clos.controller.wire.osken import connection, listener
from clos.controller.wire.osken import patches as osken
from clos.controller.wire.osken.patches import controller as framework
from clos.controller.wire.osken.patches import hub, ofp_event, ofp_handler
from clos.fabric.openflow import decode, encode
from clos.fabric.openflow import messages as m
from tests.support.signals import FRESH
from tests.support.waiting import eventually
from tests.support.wire_peer import HELLO, Fleet, shake_hands

CONF = framework.CONF


class Ping(ofp_event.event.EventBase):
    def __init__(self, number):
        super().__init__()
        self.number = number


@pytest.fixture
def app():
    made = osken.App()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def controller():
    with Controller({1: "leaf1", 2: "leaf2"}, port=0, patience=5) as started:
        yield started


@pytest.fixture
def hurry(monkeypatch):
    """Deadlines in tenths of a second."""
    monkeypatch.setattr(connection, "TICK", 0.05)
    monkeypatch.setattr(connection, "HANDSHAKE_SECONDS", 0.3)
    CONF.set_override("echo_request_interval", 0.1)
    yield
    CONF.clear_override("echo_request_interval")


def closed_within(sock, seconds):
    """Whether the other end closes in time."""
    sock.settimeout(seconds)
    try:
        while sock.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def run(program, **options):
    return subprocess.Popen([*FRESH, sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, **options)


def test_another_version_of_osken_is_refused_with_what_to_do():
    with pytest.raises(osken.UnsupportedOsKen, match=r"os-ken 4\.3\.0 is installed.*install os-ken==4\.2\.2"):
        osken.check("4.3.0")


def test_another_hub_is_refused():
    with pytest.raises(osken.UnsupportedOsKen, match="unset the variable"):
        osken.check(osken.VERSION, "eventlet")


def test_1_a_handler_that_raises_is_logged_and_its_app_goes_on(app, caplog):
    seen = []

    def handler(ping):
        seen.append(ping.number)
        if ping.number == 0:
            raise ValueError("a handler's mistake")

    app.register_handler(Ping, handler)
    with caplog.at_level(logging.ERROR):
        app._send_event(Ping(0), None)
        app._send_event(Ping(1), None)
        assert eventually(lambda: seen == [0, 1])
    assert "a handler's mistake" in caplog.text


def test_2_hub_threads_do_not_keep_the_process_alive():
    thread = hub.spawn(threading.Event().wait, 5)
    assert thread.daemon
    assert thread.kill() is None


def test_2_ctrl_c_ends_a_process_with_a_connected_switch():
    program = (
        "import time; from clos.controller.wire.controller import Controller\n"
        "c = Controller({1: 'leaf1'}, port=0); c.start(); print(c.address[1], flush=True); time.sleep(60)"
    )
    process = run(program, stderr=subprocess.DEVNULL)
    try:
        sock = shake_hands(("127.0.0.1", int(process.stdout.readline())), dpid=1)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) != 0
        sock.close()
    finally:
        process.kill()
        process.stdout.close()


def test_3_an_event_wait_times_out():
    assert hub.Event().wait(0.05) is False


def test_4_getcurrent_is_the_calling_thread():
    seen = []
    hub.spawn(lambda: seen.append(hub.getcurrent())).join()
    assert seen != [threading.current_thread()]
    assert hub.getcurrent() is threading.current_thread()


def test_5_a_disconnect_is_told_at_once(controller):
    events = []
    controller.subscribe(events.append)
    with Fleet(controller.address, [1]) as fleet:
        assert not controller.wait_for(["leaf1"], 5)
        fleet.drop(1)
        assert eventually(lambda: events == [Joined("leaf1", 1), Left("leaf1", 1)])
    assert controller.connected() == frozenset()


def test_5_switches_cost_no_threads_coming_or_going(controller):
    with Fleet(controller.address) as fleet:
        before = threading.active_count()
        for _ in range(3):
            for dpid in (1, 2):
                fleet.connect(dpid)
            assert not controller.wait_for(["leaf1", "leaf2"], 5)
            assert threading.active_count() == before
            for dpid in (1, 2):
                fleet.drop(dpid)
            assert eventually(lambda: not controller.connected())
        assert threading.active_count() == before


def test_5_stopping_ends_every_thread():
    before = threading.active_count()
    for _ in range(3):
        with Controller({1: "leaf1"}, port=0) as controller, Fleet(controller.address, [1]):
            assert not controller.wait_for(["leaf1"], 5)
    assert eventually(lambda: threading.active_count() == before)


def test_6_a_peer_that_never_says_hello_is_dropped(hurry):
    with Controller({}, port=0) as controller, socket.create_connection(controller.address) as sock:
        assert closed_within(sock, 5)


def test_6_a_peer_that_dribbles_its_hello_is_dropped(hurry):
    with (
        Controller({}, port=0) as controller,
        socket.create_connection(controller.address) as sock,
        pytest.raises(ConnectionError),
    ):
        for _ in range(1000):
            sock.sendall(b"\x04")  # 0x0404 is the length: a message that never gets whole
            time.sleep(0.02)


def test_6_a_switch_that_answers_no_echo_is_dropped(hurry):
    with Controller({1: "leaf1"}, port=0) as controller, Fleet(controller.address, [1]) as fleet:
        fleet[1].silent_on = (m.EchoRequest,)
        assert not controller.wait_for(["leaf1"], 5)
        assert fleet[1].closed.wait(5)
        assert eventually(lambda: not controller.connected())


def test_6_a_quiet_switch_that_answers_echoes_stays(hurry, caplog):
    with Controller({1: "leaf1"}, port=0) as controller, Fleet(controller.address, [1]) as fleet:
        assert not controller.wait_for(["leaf1"], 5)
        assert not fleet[1].closed.wait(1.5)
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_whatever_osken_keeps_in_a_datapath_is_there_for_its_handlers():
    """But for its queue, its semaphore and its echo options, which threads needed."""
    ours = connection.Connection(listener.Listener())
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as sock,
    ):
        theirs = framework.Datapath(sock, ("127.0.0.1", 1))
    threads_only = {"send_q", "_send_q_sem", "echo_request_interval", "max_unreplied_echo_requests", "xid", "_ports"}
    assert set(vars(theirs)) - threads_only <= set(vars(ours))


def test_7_nothing_is_listened_on_but_one_loopback_port():
    with Controller({}, port=0) as controller:
        assert controller.address[0] == "127.0.0.1"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", 6633), 1)
    assert CONF._opts["ofp_listen_host"]["default"] == "127.0.0.1"


def test_7_nor_by_an_app_that_starts_osken_without_clos():
    assert framework.OpenFlowController is listener.Listener
    assert ofp_handler.OpenFlowController is listener.Listener


def test_8_running_out_of_files_does_not_end_the_listening():
    program = (
        "import resource, sys; from clos.controller.wire.controller import Controller\n"
        "c = Controller({1: 'leaf1'}, port=0); c.start()\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24)); print(c.address[1], flush=True)\n"
        "sys.stdin.readline(); print(sorted(c.wait_for(['leaf1'], 60)), flush=True)"
    )
    process = run(program, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        address = ("127.0.0.1", int(process.stdout.readline()))
        crowd = [socket.create_connection(address, 5) for _ in range(40)]
        time.sleep(0.2)
        for sock in crowd:
            sock.close()
        with Fleet(address, [1]):
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "[]\n"
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_9_a_malformed_message_costs_one_line_and_too_many_cost_the_connection(controller, caplog):
    bad = b"\x04\x0c\x00\x09\x00\x00\x00\x00\x00"  # a port status of one byte
    with Fleet(controller.address, [1]) as fleet:
        assert not controller.wait_for(["leaf1"], 5)
        fleet.call(fleet[1].transport.write, bad)
        assert eventually(lambda: "malformed" in caplog.text)
        assert controller.facts("leaf1").dpid == 1
        fleet.call(fleet[1].transport.write, bad * connection.FAULTS)
        assert fleet[1].closed.wait(5)
    assert "Traceback" not in caplog.text


def test_9_an_error_whose_text_is_no_ascii_is_survived(controller, caplog):
    with Fleet(controller.address, [1]) as fleet:
        assert not controller.wait_for(["leaf1"], 5)
        fleet.send(1, m.Error(0, 0, b"\xff\xfe"), xid=0x7F000001)
        assert eventually(lambda: "malformed" in caplog.text)
        assert controller.facts("leaf1").dpid == 1
    assert "Traceback" not in caplog.text


def test_10_a_stuck_app_blocks_nobody_and_loses_packet_ins_only(app):
    stuck, seen = threading.Event(), []
    app.register_handler(Ping, lambda ping: stuck.wait(10) and seen.append(ping.number))
    app.register_handler(ofp_event.EventOFPPacketIn, lambda packet_in: None)
    app._send_event(Ping(0), None)
    for _ in range(osken.PACKET_INS_QUEUED + 500):
        app._send_event(ofp_event.EventOFPPacketIn(None), None)
    for number in range(1, 500):
        app._send_event(Ping(number), None)
    assert app.dropped_packet_ins >= 499
    stuck.set()
    assert eventually(lambda: seen == list(range(500)))


def test_11_threads_never_share_an_xid():
    class Held:
        xid = None

        def set_xid(self, xid):
            self.xid = xid

    switch, drawn = connection.Connection(listener.Listener()), []
    draw = lambda: drawn.append([switch.set_xid(Held()) for _ in range(5000)])  # noqa: E731
    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set().union(*drawn)) == 20_000


def test_13_osken_parses_only_what_our_codec_wrote(controller, monkeypatch):
    """Whatever a peer sends: what our codec refuses is parsed by nobody else, and what it takes is written anew."""
    parser = connection.ofproto_v1_3_parser
    parsed, parse = [], parser.msg_parser
    monkeypatch.setattr(parser, "msg_parser", lambda *args: parsed.append(bytes(args[-1])) or parse(*args))
    refused = b"\x04\x0c\x00\x09\x00\x00\x00\x2a\x00"  # a port status of one byte
    good = encode(m.EchoRequest(b"?"), 43)
    with Fleet(controller.address, [1]) as fleet:
        assert not controller.wait_for(["leaf1"], 5)
        fleet.call(fleet[1].transport.write, refused + good)
        assert eventually(lambda: good in parsed)
        assert controller.facts("leaf1").dpid == 1
    with socket.create_connection(controller.address, 5) as sock:
        sock.sendall(HELLO + refused * 3)
        assert eventually(lambda: parsed.count(HELLO) >= 2)
    assert not any(frame[1] == 12 for frame in parsed)
    assert all(encode(*decode(frame)) == frame for frame in parsed)


def test_13_a_packet_in_with_fields_only_its_maker_knows_costs_nothing_but_itself(controller):
    strange = bytes.fromhex("040a002b00000000" + "ffffffff000100000000000000000000" + "00010009deadbe0100" + "00" * 10)
    assert len(strange) == 0x2B
    with Fleet(controller.address, [1]) as fleet:
        assert not controller.wait_for(["leaf1"], 5)
        fleet.call(fleet[1].transport.write, strange * (2 * connection.FAULTS))
        assert controller.facts("leaf1").dpid == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("makes its certificate with openssl, which is not installed")
    where = tmp_path_factory.mktemp("tls")
    key, cert = str(where / "key.pem"), str(where / "cert.pem")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert]
    subprocess.run([*make, *subject], check=True, capture_output=True)
    return key, cert


def client_context(certificate, shown):
    context = ssl.create_default_context(cafile=certificate[1])
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as the switches that Clos meets
    if shown:
        context.load_cert_chain(certificate[1], certificate[0])
    return context


def test_12_a_switch_connects_over_mutual_tls(certificate):
    tls = osken.Tls(*certificate, ca=certificate[1])
    with Controller({1: "leaf1"}, port=0, tls=tls) as controller, Fleet(controller.address) as fleet:
        fleet.connect(1, ssl=client_context(certificate, shown=True), server_hostname="localhost")
        assert not controller.wait_for(["leaf1"], 5)
        assert controller.facts("leaf1").dpid == 1


def test_12_a_switch_without_a_certificate_is_refused(certificate):
    tls = osken.Tls(*certificate, ca=certificate[1])
    with Controller({1: "leaf1"}, port=0, tls=tls) as controller, socket.create_connection(controller.address) as raw:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            sock = client_context(certificate, shown=False).wrap_socket(raw, server_hostname="localhost")
            sock.sendall(HELLO)
            while sock.recv(4096):
                pass
            raise ConnectionError("closed")
        assert controller.connected() == frozenset()


@pytest.fixture
def secured(certificate):
    tls = osken.Tls(*certificate, ca=certificate[1])
    with Controller({1: "leaf1"}, port=0, tls=tls) as controller:
        yield controller


def test_half_open_tls_connections_make_room_for_switches(secured, certificate, monkeypatch):
    monkeypatch.setattr(listener, "NEWCOMERS", 5)
    with contextlib.ExitStack() as stack, Fleet(secured.address) as fleet:
        half = [stack.enter_context(socket.create_connection(secured.address, 10)) for _ in range(12)]
        assert all(sock.recv(1) == b"" for sock in half[:7])  # the oldest have gone
        fleet.connect(1, ssl=client_context(certificate, shown=True), server_hostname="localhost")
        assert not secured.wait_for(["leaf1"], 5)
        assert eventually(lambda: len(secured._listener.connections) == 5)
        assert secured.facts("leaf1").dpid == 1


def test_half_open_tls_connections_count_towards_the_limit(secured, monkeypatch):
    monkeypatch.setattr(listener, "CONNECTIONS", 3)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(socket.create_connection(secured.address, 10))
        assert eventually(lambda: len(secured._listener.connections) == 3)
        assert stack.enter_context(socket.create_connection(secured.address, 10)).recv(1) == b""


def test_a_tls_handshake_that_never_ends_is_given_up(certificate, monkeypatch):
    monkeypatch.setattr(connection, "HANDSHAKE_SECONDS", 0.2)
    tls = osken.Tls(*certificate, ca=certificate[1])
    with Controller({1: "leaf1"}, port=0, tls=tls) as controller:
        with socket.create_connection(controller.address, 10) as raw:
            assert raw.recv(1) == b""
        assert eventually(lambda: not controller._listener.connections)


def test_what_is_no_tls_is_refused_and_forgotten(secured):
    with socket.create_connection(secured.address, 10) as raw:
        raw.sendall(HELLO * 10)
        with contextlib.suppress(ConnectionError):
            while raw.recv(4096):
                pass
    assert eventually(lambda: not secured._listener.connections)


def test_small_messages_leave_at_once(controller):
    with Fleet(controller.address, [1]):
        assert not controller.wait_for(["leaf1"], 5)
        (switch,) = controller._listener.connections
        assert switch.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_switch_that_stops_reading_costs_bounded_memory_and_then_its_connection(controller, monkeypatch):
    monkeypatch.setattr(connection, "SEND_BYTES", 1 << 20)
    with Fleet(controller.address, [1, 2]) as fleet:
        assert not controller.wait_for(["leaf1", "leaf2"], 5)
        fleet.call(fleet[1].transport.pause_reading)
        echo = encode(m.EchoRequest(bytes(60_000)))
        for _ in range(400):
            fleet.call(fleet[1].transport.write, echo)
        assert eventually(lambda: controller.connected() == {"leaf2"})
        assert controller.facts("leaf2").dpid == 2
