"""Laws of the API, over real HTTP against a daemon with a simulated fabric."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from clos.controller.api import access, errors
from clos.controller.api.app import create_app
from clos.controller.api.client import ApiError, Client, NoDaemon
from clos.controller.api.guard import Guard
from clos.controller.api.models import FORMAT_VERSION
from clos.controller.api.server import CannotServe, Server, is_loopback
from clos.controller.daemon import CODES
from clos.controller.plan import ruleset_json
from tests.support.daemon_harness import DEMO, SMALL, TOPOLOGY, Rig, edited
from tests.support.signals import FRESH, IGNORING
from tests.support.waiting import eventually

SOURCES = {DEMO.name: DEMO.text}
LIMIT = 1 << 20
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, Rig(tmp_path_factory.mktemp("api") / "state", patch) as made:
        yield made


@pytest.fixture(scope="module")
def client(rig):
    app = Guard(create_app(rig.daemon), access.token(rig.state_dir), LIMIT)
    with Server(app, "127.0.0.1", 0) as server:
        access.publish(rig.state_dir, access.Addresses(server.address, ("127.0.0.1", rig.port), os.getpid()))
        with Client.from_state_dir(rig.state_dir) as made:
            made.apply(SOURCES, who="ann", why="first")
            yield made


@pytest.fixture
def http(rig, client):
    token = access.token(rig.state_dir)
    with httpx.Client(base_url=client.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as made:
        yield made


def problem(response, status, code):
    """The answer is an error of the documented form."""
    found = response.json()
    assert (response.status_code, found["error"]["code"]) == (status, code), response.text
    assert found["format_version"] == FORMAT_VERSION
    assert found["error"].keys() == {"code", "message", "problems", "allow"}
    assert "Traceback" not in response.text
    return found["error"]


def test_a_change_tells_its_progress_and_ends_with_what_the_fabric_holds(rig, client):
    steps = []
    base = client.status()["revision"]
    other = {DEMO.name: edited("tcp/8080", "tcp/8081")[0].text}
    done = client.apply(other, who="bob", why="ticket 7", expect_revision=base, progress=steps.append)
    (begun,) = (step for step in steps if step["event"] == "begun")  # a busy machine tells of proving before it
    assert begun["revision"] == base + 1
    last = [step for step in steps if step["event"] == "progress"][-1]
    assert (last["number"], last["confirmed"]) == (last["batches"], last["switches"])
    assert (done["revision"], done["changed"], done["format_version"]) == (base + 1, True, FORMAT_VERSION)
    assert rig.holds(rig.daemon.revisions.running.ruleset)
    stored = client.revision(done["revision"])
    assert (stored["who"], stored["why"], stored["sources"]) == ("bob", "ticket 7", other)
    assert client.rollback(base, who="bob")["revision"] == base + 2
    assert [row["number"] for row in client.revisions(2)] == [base + 2, base + 1]


def test_a_plan_has_its_summary_its_base_and_what_holds_it_back(client):
    plan = client.plan({SMALL.name: SMALL.text}, limit=3)
    assert plan["base"] == client.status()["revision"]
    assert plan["summary"]["delete"] > 0
    assert [brake["name"] for brake in plan["brakes"]] == ["delete-tenant=infra", "delete-tenant=office", "deletes"]
    shown = sum(len(push.get("rules", push.get("groups", push.get("meters"))))
                for batch in plan["batches"] for push in batch["pushes"])  # fmt: skip
    assert shown == 3
    assert plan["omitted"] > 0
    assert client.plan(SOURCES)["summary"]["text"] == "Plan: nothing to change"


def test_status_switches_and_drift_agree_that_all_is_well(client):
    status, drift = client.status(), client.drift()
    assert (status["expected"], status["connected"], status["in_line"], status["foreign"]) == (6, 6, 6, 0)
    assert drift["in_line"]
    assert [row["switch"] for row in drift["switches"]] == sorted(row["name"] for row in client.switches())
    assert client.drift(["leaf1"])["switches"][0]["switch"] == "leaf1"
    assert client.repair()["failed"] == {}


def test_the_ruleset_is_the_documented_document_and_a_switch_holds_its_share(rig, client):
    text = "".join(client.ruleset())
    assert text == "".join(ruleset_json(rig.daemon.revisions.running.ruleset))
    rules = [rule for rule in json.loads(text)["rules"] if rule["switch"] == "leaf1"]
    assert client.entries("leaf1")["rules"] == rules
    assert rules


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic Og=="}])
@pytest.mark.parametrize("path", ["/v1/status", "/v1/nothing", "/"])
def test_nothing_is_answered_without_the_token(client, header, path):
    response = httpx.get(client.url + path, headers=header, trust_env=False)
    problem(response, 401, "token")
    assert response.headers["www-authenticate"] == "Bearer"


def test_the_token_and_the_directory_are_their_owners_alone(rig, client):
    assert stat.S_IMODE((rig.state_dir / access.TOKEN).stat().st_mode) == 0o600
    assert stat.S_IMODE(rig.state_dir.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b"", "body"),
        (b"{", "body[1]"),
        (b"[" * 100_000, None),
        (b"\xff\xfe", None),
        (b"null", "body"),
        (b'{"sources": 7}', "body.sources"),
        (b'{"sources": [{"name": "a"}]}', "body.sources[0].text"),
        (b'{"sources": [], "surces": []}', "body.surces"),
        (b'{"sources": [], "limit": -1}', "body.limit"),
        (b'{"sources": [], "limit": 1e400}', "body.limit"),
    ],
)
def test_a_request_that_is_not_what_is_described_says_where(http, content, path):
    error = problem(http.post("/v1/plan", content=content, headers=JSON), 400, "request")
    if path:
        assert [row["path"] for row in error["problems"]] == [path]


def test_a_request_of_another_type_is_refused(http):
    problem(http.post("/v1/plan", content=b"x", headers={"Content-Type": "text/plain"}), 400, "request")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "unknown"),
        ("GET", "/v1/apply", 405, "method"),
        ("GET", "/v1/revisions/9999", 404, "unknown"),
        ("GET", "/v1/revisions/9007199254740993", 400, "request"),
        ("GET", "/v1/revisions/x", 400, "request"),
        ("GET", "/v1/revisions?limit=0", 400, "request"),
        ("GET", "/v1/switches/nobody/entries", 404, "unknown"),
        ("GET", "/v1/switches/%00%2e%2e/entries", 404, "unknown"),
        ("GET", "/v1/drift?switch=nobody", 404, "unknown"),
    ],
)
def test_what_does_not_exist_is_an_error_of_the_same_form(http, method, path, status, code):
    problem(http.request(method, path), status, code)


def test_a_request_that_is_too_long_is_cut_off(http):
    problem(http.post("/v1/plan", content=b" " * (LIMIT + 1)), 413, "too-large")
    pieces = (b" " * 65536 for _ in range(LIMIT // 65536 + 2))
    problem(http.post("/v1/plan", content=pieces), 413, "too-large")
    assert http.get("/v1/status").status_code == 200


def test_wrong_documents_come_back_with_every_problem_and_its_line(client):
    with pytest.raises(ApiError) as caught:
        client.apply({"demo.yaml": edited("10.1.1.11 on web1", "10.9.9.9 on web1")[0].text})
    error = caught.value
    assert (error.status, error.code) == (422, "invalid")
    assert (error.problems[0]["file"], error.problems[0]["line"]) == ("demo.yaml", 15)


def test_the_name_of_a_document_is_escaped_wherever_it_comes_back(client):
    with pytest.raises(ApiError) as caught:
        client.plan({"a\nb\x1b[2J.yaml": "kind: Nothing\n"})
    assert [problem["file"] for problem in caught.value.problems] == ["a\\nb\\x1b[2J.yaml"]
    done = client.apply({"demo\n.yaml": DEMO.text}, who="ann", why="renamed")
    assert list(client.revision(done["revision"])["sources"]) == ["demo\\n.yaml"]
    client.apply(SOURCES, who="ann", why="back")


def test_a_refused_change_says_what_to_allow_and_changes_nothing(client):
    before = client.status()["revision"]
    with pytest.raises(ApiError) as caught:
        client.apply({SMALL.name: SMALL.text})
    assert (caught.value.status, caught.value.code, caught.value.allow) == (
        409,
        "brakes",
        ["delete-tenant=infra", "delete-tenant=office", "deletes"],
    )
    with pytest.raises(ApiError, match="the plan was made for 0") as caught:
        client.apply({SMALL.name: SMALL.text}, expect_revision=0)
    assert caught.value.code == "stale"
    assert client.status()["revision"] == before


def test_a_change_that_a_switch_refuses_ends_with_an_error_line(rig, client):
    before, steps = client.status()["revision"], []
    rig.watch.refuse = lambda switch, message: switch == "leaf1" and not any(s["event"] == "taking_back" for s in steps)
    try:
        with pytest.raises(ApiError, match="was undone") as caught:
            client.apply({DEMO.name: edited("tcp/8080", "tcp/8082")[0].text}, progress=steps.append)
    finally:
        rig.watch.refuse = lambda switch, message: False
    assert caught.value.code == "switch"
    assert [step["event"] for step in steps if step["event"] != "progress"] == ["begun", "taking_back"]
    assert client.status()["revision"] == before
    assert eventually(lambda: client.drift()["in_line"])


def test_a_client_that_leaves_does_not_stop_its_change(rig, client, http):
    base = client.status()["revision"]
    question = {"sources": [{"name": DEMO.name, "text": edited("tcp/8080", "tcp/8083")[0].text}]}
    with http.stream("POST", "/v1/apply", json=question) as response:
        next(response.iter_lines())
    assert eventually(lambda: client.status()["revision"] > base)
    assert client.drift()["in_line"]


def test_every_code_has_a_status():
    assert errors.STATUS.keys() == set(CODES)


def test_the_description_speaks_of_every_path_and_every_line(client):
    described = httpx.get(client.url + "/openapi.json", trust_env=False).json()
    for path, methods in described["paths"].items():
        for method in methods.values():
            assert method["description"], path
            assert {"400", "401", "409"} <= method["responses"].keys(), path
    lines = described["paths"]["/v1/apply"]["post"]["responses"]["200"]["content"]["application/x-ndjson"]
    names = {row["$ref"].rpartition("/")[2] for row in lines["schema"]["oneOf"]}
    assert names <= described["components"]["schemas"].keys()
    replies = {n: s for n, s in described["components"]["schemas"].items() if n.endswith("Reply")}
    assert all("format_version" in schema["properties"] for schema in replies.values())


def test_the_page_describes_every_path_and_loads_nothing(client, http):
    shown = http.get("/docs")
    assert shown.status_code == 200 and shown.headers["content-type"].startswith("text/html")
    for path, methods in http.get("/openapi.json").json()["paths"].items():
        assert all(f"{method.upper()} {path}</code>" in shown.text for method in methods)
    assert not re.search(r"<script|<link|<img|src=|https?:", shown.text)
    assert set(re.findall(r"href='#(\w+)'", shown.text)) <= set(re.findall(r" id='(\w+)'", shown.text))


def test_a_browser_shows_the_token_as_a_password_and_only_for_the_page(rig, client):
    token = access.token(rig.state_dir)
    with httpx.Client(base_url=client.url, trust_env=False) as browser:
        asked = browser.get("/docs")
        assert asked.status_code == 401 and asked.headers["www-authenticate"].startswith("Basic ")
        assert browser.get("/docs", auth=("anybody", token)).status_code == 200
        for wrong in ("", token[:-1], token + "x"):
            assert browser.get("/docs", auth=("anybody", wrong)).status_code == 401
        assert browser.get("/docs", headers={"Authorization": "Basic !"}).status_code == 401
        assert browser.get("/docs", headers={"Authorization": f"Basic {token}"}).status_code == 401
        assert browser.get("/v1/status", auth=("anybody", token)).status_code == 401


def test_the_document_on_the_api_lists_every_path():
    told = (Path(__file__).resolve().parents[2] / "docs/api.md").read_text()
    listed = set(re.findall(r"^\| `(GET|POST|PUT|DELETE) (/v1/[^`]*)`", told, re.MULTILINE))
    paths = create_app(None).openapi()["paths"]
    assert listed == {
        (method.upper(), path) for path, methods in paths.items() for method in methods if path.startswith("/v1/")
    }


def test_the_api_binds_to_this_machine_unless_told_otherwise():
    with pytest.raises(CannotServe, match="other machines"):
        Server(create_app(None), "0.0.0.0", 0)
    assert is_loopback("127.0.0.9")
    assert is_loopback("::1")
    assert not is_loopback("10.0.0.1")
    assert not is_loopback("example.org")


def test_an_address_in_use_is_said_to_be(client):
    port = int(client.url.rpartition(":")[2])
    with pytest.raises(CannotServe, match="choose another port"):
        Server(create_app(None), "127.0.0.1", port)


def test_without_a_daemon_the_client_says_how_to_start_one(tmp_path):
    with pytest.raises(NoDaemon, match="clos serve"):
        Client.from_state_dir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    access.token(tmp_path)
    access.publish(tmp_path, access.Addresses(("127.0.0.1", port), ("127.0.0.1", 1), 1))
    with Client.from_state_dir(tmp_path) as gone, pytest.raises(NoDaemon, match="clos serve"):
        gone.status()
    (tmp_path / access.ADDRESS).write_text("[]")
    with pytest.raises(NoDaemon, match="not the address of a daemon"):
        Client.from_state_dir(tmp_path)


def test_something_else_at_the_address_is_told_from_a_daemon(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        def answer():
            peer = other.accept()[0]
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")

        threading.Thread(target=answer, daemon=True).start()
        with Client(f"http://127.0.0.1:{port}", "x") as stranger, pytest.raises(NoDaemon, match="no Clos daemon"):
            stranger.status()


def test_a_token_file_that_a_crash_left_empty_is_made_again(tmp_path):
    (tmp_path / access.TOKEN).write_text("")
    assert len(access.token(tmp_path)) > 30
    assert access.token(tmp_path) == access.token(tmp_path)


SERVE = """
import sys
from clos.controller.api.process import serve
serve(sys.argv[1], sys.argv[2], ("127.0.0.1", 0), ("127.0.0.1", 0))
"""


@contextlib.contextmanager
def served(state_dir, inherited=FRESH):
    """A daemon as a process; its one ready line is in ``process.line``."""
    with subprocess.Popen(
        [*inherited, sys.executable, "-c", SERVE, str(TOPOLOGY), str(state_dir)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            process.line = process.stdout.readline()
            yield process
        finally:
            process.kill()


def test_a_daemon_that_inherits_ignored_signals_hears_ctrl_c_and_goes_on_after_a_hang_up(tmp_path):
    """As from a job in the background, and under nohup."""
    with served(tmp_path / "state", IGNORING) as process:
        assert process.line.startswith("clos: ready;")
        process.send_signal(signal.SIGHUP)
        with Client.from_state_dir(tmp_path / "state") as client:
            assert client.status()["revision"] == 0
        ignored = int(re.search(r"SigIgn:\s+(\w+)", Path(f"/proc/{process.pid}/status").read_text())[1], 16)
        assert ignored >> (signal.SIGHUP - 1) & 1
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def _lived(state_dir, number):
    """How long a daemon with a client took to come up, and how long it went on after a signal, in seconds."""
    begun = time.monotonic()
    with served(state_dir) as process:
        assert process.line.startswith("clos: ready; switches connect to 127.0.0.1:")
        up = time.monotonic() - begun
        with Client.from_state_dir(state_dir) as client:
            assert client.status()["revision"] == 0
            begun = time.monotonic()
            process.send_signal(number)
            assert process.wait(60) == 0
        down = time.monotonic() - begun
        assert process.stdout.read() == ""
    return up, down


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_process_in_order_within_two_seconds(tmp_path, number):
    """On a machine so busy that coming up takes longer than that, going down may take as long."""
    lives = (_lived(tmp_path / "state", number) for _ in range(3))
    assert any(down < max(2, up) for up, down in lives)
    assert not (tmp_path / "state" / access.ADDRESS).exists()
    assert not list(Path(tmp_path / "state").glob("*.new"))


def test_a_wrong_method_is_told_which_are_right(http):
    found = http.delete("/v1/status")
    assert (found.status_code, found.headers["allow"]) == (405, "GET")
