"""A daemon with a simulated fabric behind its API and pages, served over HTTP."""

from __future__ import annotations

import pytest

from clos.controller.api import access
from clos.controller.api.app import create_app
from clos.controller.api.guard import Guard
from clos.controller.api.server import Server
from tests.support.daemon_harness import Rig

PASSWORD = "correct horse battery staple"


class Served:
    """``url`` of the pages; ``sessions``: who is logged in; ``owner``: the owner's token."""

    def __init__(self, rig, url, owner, sessions):
        self.rig, self.url, self.owner, self.sessions = rig, url, owner, sessions

    @property
    def daemon(self):
        return self.rig.daemon


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    place = tmp_path_factory.mktemp("web") / "state"
    with pytest.MonkeyPatch.context() as patch, Rig(place, patch, watch=False) as rig:
        app = create_app(rig.daemon)
        guard = Guard(app, access.token(place), people=lambda: rig.daemon.people)
        with Server(guard, "127.0.0.1", 0) as server:
            url = access.Addresses(server.address, ("127.0.0.1", rig.port), 1).url
            yield Served(rig, url, access.token(place), app.state.sessions)
