"""Laws of the table of permissions: every path, every role, over real HTTP."""

from __future__ import annotations

import httpx
import pytest

from clos.controller.api import access
from clos.controller.api.app import create_app
from clos.controller.api.guard import Guard
from clos.controller.api.permissions import OPEN, PERMISSIONS, check_table, needed
from clos.controller.api.server import Server
from clos.controller.daemon import Daemon
from clos.controller.people.roles import ROLES
from tests.support.daemon_harness import TOPOLOGY

PASSWORD = "correct horse battery staple"


class Served:
    """A daemon without switches behind its API, and a token for each role."""

    def __init__(self, daemon, url, owner):
        self.daemon, self.url, self.owner = daemon, url, owner
        self.tokens = {role: daemon.people.add_service(role, [role], 1, "owner").token for role in ROLES}

    def ask(self, token, method, path, json=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.request(method, self.url + path, headers=headers, json=json, trust_env=False)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    place = tmp_path_factory.mktemp("people") / "state"
    with Daemon(TOPOLOGY, place, of_port=0, discovery=False) as daemon:
        app = Guard(create_app(daemon), access.token(place), people=lambda: daemon.people)
        with Server(app, "127.0.0.1", 0) as server:
            address = access.Addresses(server.address, daemon.switches.wire.address, 1)
            yield Served(daemon, address.url, access.token(place))


def concrete(path):
    return path.replace("{name}", "nobody").replace("{number}", "1")


API = [row for row in PERMISSIONS if PERMISSIONS[row] != OPEN and not row[1].startswith("/ui")]
"""What a token opens; the pages, which a cookie opens, have the same test in tests/web."""
ROWS = [(role, *row) for row in API for role in ROLES]


@pytest.mark.parametrize(("role", "method", "path"), ROWS, ids=str)
def test_a_role_may_do_what_the_table_says_and_nothing_else(served, role, method, path):
    answer = served.ask(served.tokens[role], method, concrete(path))
    if PERMISSIONS[method, path] in ROLES[role]:
        assert answer.status_code not in {401, 403}, answer.text
    else:
        assert answer.status_code == 403
        assert role in answer.json()["error"]["message"]


@pytest.mark.parametrize(("method", "path"), API, ids=str)
def test_nobody_is_let_in_without_a_token(served, method, path):
    for token in ("", "clos_wrong"):
        assert served.ask(token, method, concrete(path)).status_code == 401


def test_the_table_has_exactly_the_paths_that_are_served(served):
    app = create_app(served.daemon)
    served_paths = {(m, route.path) for route in app.routes for m in route.methods if m != "HEAD"}
    assert served_paths == set(PERMISSIONS)


def test_a_path_without_a_row_cannot_be_served(served):
    app = create_app(served.daemon)
    app.get("/v1/forgotten")(lambda: None)
    with pytest.raises(LookupError, match="GET /v1/forgotten"):
        check_table(app.routes)


@pytest.mark.parametrize("path", ["/v1/users/../status", "/v1/users/", "//v1/users", "/v1/Users", "/v1/users/a/b/c"])
def test_a_path_that_only_looks_like_one_is_not_served(served, path):
    assert needed("POST", path) is None
    assert served.ask(served.tokens["viewer"], "POST", path).status_code in {403, 404, 405, 307}


def test_a_person_logs_in_is_named_in_the_history_and_logs_out(served):
    people = served.daemon.people
    people.add("ann", ["planner"], PASSWORD, "owner")
    wrong = served.ask("", "POST", "/v1/login", {"name": "ann", "password": "something else"})
    nobody = served.ask("", "POST", "/v1/login", {"name": "nobody", "password": PASSWORD})
    assert (wrong.status_code, wrong.json()["error"]["message"]) == (403, nobody.json()["error"]["message"])
    token = served.ask("", "POST", "/v1/login", {"name": "ann", "password": PASSWORD}).json()["token"]
    assert served.ask(token, "GET", "/v1/me").json()["name"] == "ann"
    claimed = served.ask(token, "POST", "/v1/proposals", {"who": "bob", "sources": []})
    assert claimed.status_code == 403 and "leave out --who bob" in claimed.json()["error"]["message"]
    made = served.ask(token, "POST", "/v1/proposals", {"sources": []})
    assert made.json()["who"] == "ann"
    assert served.ask(token, "POST", "/v1/logout").status_code == 200
    assert served.ask(token, "GET", "/v1/me").status_code == 401
    actions = [(row.who, row.action) for row in served.daemon.revisions.store.audit_log(50)]
    assert {("ann", "logged in"), ("ann", "wrong password"), ("ann", "logged out"), ("ann", "proposed")} <= {*actions}
    people.remove("ann", "person", "owner")


def test_a_removed_person_and_one_with_another_password_are_logged_out(served):
    people = served.daemon.people
    people.add("cy", ["viewer"], PASSWORD, "owner")
    token = people.log_in("cy", PASSWORD)[1].token
    other = PASSWORD + "!"
    answer = served.ask(token, "POST", "/v1/me/password", {"current": PASSWORD, "password": other})
    assert answer.status_code == 200
    assert served.ask(token, "GET", "/v1/me").status_code == 401
    token = people.log_in("cy", other)[1].token
    assert served.ask(token, "GET", "/v1/me").status_code == 200
    assert served.ask(served.owner, "DELETE", "/v1/users/cy").status_code == 200
    assert served.ask(token, "GET", "/v1/me").status_code == 401


def test_roles_count_from_the_next_request_on(served):
    people = served.daemon.people
    people.add("dee", ["viewer"], PASSWORD, "owner")
    token = people.log_in("dee", PASSWORD)[1].token
    assert served.ask(token, "GET", "/v1/users").status_code == 403
    people.set_roles("dee", ["admin"], "owner")
    assert served.ask(token, "GET", "/v1/users").status_code == 200
    people.add("eli", ["admin"], PASSWORD, "owner")
    people.set_roles("dee", ["viewer"], "owner")
    for name in ("eli", "dee"):
        served.ask(served.owner, "DELETE", f"/v1/users/{name}")


def test_beside_accounts_the_owner_only_claims_a_name(served):
    made = served.ask(served.owner, "POST", "/v1/proposals", {"who": "ann", "sources": []})
    assert made.json()["who"] == "owner as ann"


def test_what_is_wrong_with_an_account_is_said(served):
    for body, word in (
        ({"name": "Ann", "roles": ["viewer"], "password": PASSWORD}, "small letter"),
        ({"name": "owner", "roles": ["viewer"], "password": PASSWORD}, "cannot be a name"),
        ({"name": "zoe", "roles": ["boss"], "password": PASSWORD}, "no role boss"),
        ({"name": "zoe", "roles": [], "password": PASSWORD}, "at least one role"),
        ({"name": "zoe", "roles": ["viewer"], "password": "short"}, "12 to 1024"),
        ({"name": "zoe", "roles": ["viewer"], "password": "my name is Zoe!"}, "name of its owner"),
        ({"name": "viewer", "roles": ["viewer"], "password": PASSWORD}, "already"),
    ):
        answer = served.ask(served.owner, "POST", "/v1/users", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "account")
        assert word in answer.json()["error"]["message"]
