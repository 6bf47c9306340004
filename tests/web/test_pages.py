"""Laws of the pages, over HTTP: who may see and do what, forms of other sites, text that is not ours."""

from __future__ import annotations

import re

import httpx
import pytest

from clos.controller.api.permissions import OPEN, PERMISSIONS
from clos.controller.api.web.actions import _local
from clos.controller.api.web.fabric_map import MOST_BOXES, fabric_map
from clos.controller.api.web.sessions import COOKIE, HOURS, MOST, Sessions, cookie_of
from clos.controller.daemon.status import SwitchReport
from clos.controller.people.roles import ROLES
from tests.support.daemon_harness import DEMO, FABRIC

ROWS = [row for row in PERMISSIONS if row[1].startswith("/ui") and PERMISSIONS[row] != OPEN]
POISON = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def cookies(served):
    """A session for each role."""
    people = served.daemon.people
    return {role: served.sessions.begin(people.add_service(role, [role], 1, "owner").token) for role in ROLES}


def ask(served, key, method, path, data=None):
    cookies = {COOKIE: key} if key else {}
    with httpx.Client(base_url=served.url, cookies=cookies, trust_env=False) as browser:
        return browser.request(method, path, data=data)


def concrete(path):
    return path.replace("{name}", "leaf1").replace("{number}", "1")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("method", "path"), ROWS, ids=str)
def test_a_role_sees_and_does_what_the_table_says(served, cookies, role, method, path):
    form = served.sessions.get(cookies[role]).form
    if path == "/ui/logout":
        return  # it would end the session of the other tests; its own test is below
    answer = ask(served, cookies[role], method, concrete(path), {"form": form} if method == "POST" else None)
    assert (answer.status_code == 403) == (PERMISSIONS[method, path] not in ROLES[role]), answer.text
    assert answer.status_code < 500


@pytest.mark.parametrize(("method", "path"), ROWS, ids=str)
def test_nobody_is_shown_anything_before_logging_in(served, method, path):
    for key in ("", "wrong"):
        answer = ask(served, key, method, concrete(path))
        assert answer.status_code == 303 and answer.headers["location"].startswith("/ui/login?next=")


@pytest.mark.parametrize("path", [path for method, path in ROWS if method == "POST"])
def test_a_form_that_another_site_sends_does_nothing(served, cookies, path):
    for data in ({}, {"form": "guessed"}, {"form": served.sessions.get(cookies["viewer"]).form}):
        answer = ask(served, cookies["admin"], "POST", concrete(path), data)
        assert answer.status_code == 403 and "another site" in answer.text


def test_every_page_forbids_scripts_and_what_is_from_elsewhere(served, cookies):
    for method, path in [*ROWS, ("GET", "/ui/login")]:
        if method == "GET":
            answer = ask(served, cookies["admin"], "GET", concrete(path))
            assert "default-src 'none'" in answer.headers["content-security-policy"], path
            assert not re.search(r"<script|https?:|//[a-z]", answer.text), path


def test_what_people_write_is_shown_and_never_meant(served, cookies):
    form = served.sessions.get(cookies["admin"]).form
    text = DEMO.text.replace("name: shop", f"name: '{POISON}'")
    data = {"form": form, "name": POISON, "text": text, "why": POISON}
    answer = ask(served, cookies["admin"], "POST", "/ui/change", data)
    assert answer.status_code == 422
    assert POISON not in answer.text and "&lt;script&gt;" in answer.text
    assert POISON not in ask(served, cookies["admin"], "GET", f"/ui/explain?from={POISON}&to=b&service=c").text
    login = ask(served, "", "POST", "/ui/login", {"name": POISON, "password": POISON, "next": POISON})
    assert login.status_code == 403 and POISON not in login.text


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example", "/ui//evil", "/ui/\\evil", "/v1/status", "", "javascript:x"]
)
def test_nobody_is_sent_elsewhere_after_logging_in(path):
    assert _local(path) == "/ui/"
    assert _local("/ui/history") == "/ui/history"


def test_whoever_logs_out_is_out(served):
    answer = ask(served, "", "POST", "/ui/login", {"name": "", "password": served.owner, "next": "/ui/drift"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/ui/drift")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    key = cookie_of(cookie)
    assert ask(served, key, "GET", "/ui/").status_code == 200
    ask(served, key, "POST", "/ui/logout", {"form": served.sessions.get(key).form})
    assert ask(served, key, "GET", "/ui/").status_code == 303


def test_a_cookie_opens_pages_only_and_a_token_the_api_only(served, cookies):
    assert ask(served, cookies["admin"], "GET", "/v1/status").status_code == 401
    headers = {"Authorization": f"Bearer {served.owner}"}
    assert httpx.get(f"{served.url}/ui/", headers=headers, trust_env=False).status_code == 303


def test_sessions_end_and_are_bounded():
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    keys = [sessions.begin("t") for _ in range(MOST + 1)]
    assert sessions.get(keys[0]) is None and sessions.get(keys[1]) is not None
    now[0] = HOURS * 3600 + 1
    assert sessions.get(keys[1]) is None


def reports(number):
    """So many switches, in every state; of the demonstration's where they are as many."""
    real = list(FABRIC.switches.values())
    names = (
        [(s.name, s.role) for s in real]
        if number == len(real)
        else [(f"s{i}", "spine" if i < 4 else "leaf") for i in range(number)]
    )
    return [SwitchReport(n, role, i, i % 3 > 0, i % 3 == 1, "", 0, "") for i, (n, role) in enumerate(names)]


@pytest.mark.parametrize("number", [6, MOST_BOXES + 1, 300, 1000])
def test_the_map_has_every_switch_inside_the_picture_and_none_over_another(number):
    drawn = fabric_map(FABRIC, reports(number))
    places = {(node.x, node.y) for node in drawn.nodes}
    assert len(places) == len(drawn.nodes) == number
    assert all(0 < n.x < drawn.width and 0 < n.y < drawn.height for n in drawn.nodes)
    assert sum(count for _, _, count in drawn.counts) == number
    assert bool(drawn.lines) == drawn.labelled == (number <= MOST_BOXES)
