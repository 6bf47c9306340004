"""Inventories of other tools are told by their content, and read as those tools read them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from clos.controller.migrate.discover.inventories import read_hosts
from clos.controller.migrate.discover.inventory import Found, Host, InventoryProblem
from clos.controller.migrate.discover.inventory_netbox import TOKEN
from tests.support.cli_run import clos

INI = """\
# a network
[core]
core1 ansible_host=10.0.0.1
core2 ansible_host=10.0.0.2 ansible_port=2222
[acc]
acc[01:02].example.net
[dc:children]
core
acc
[dc:vars]
ansible_network_os=cisco.ios.ios
ansible_user=reader
[servers]
web1
"""


def written(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        path = directory / name.replace("__", "/").replace("_yml", ".yml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


def test_an_ansible_inventory_gives_addresses_ports_users_and_systems(tmp_path):
    found = read_hosts(str(written(tmp_path, hosts=INI) / "hosts"))
    assert found.hosts == (
        Host("core1", "10.0.0.1", username="reader"),
        Host("core2", "10.0.0.2", 2222, "reader"),
        Host("acc01.example.net", "acc01.example.net", username="reader"),
        Host("acc02.example.net", "acc02.example.net", username="reader"),
    )
    assert found.kind == "Ansible" and any("web1" in note for note in found.notes)


def test_variables_beside_an_inventory_win_over_those_in_it(tmp_path):
    written(
        tmp_path,
        hosts=INI,
        group_vars__all_yml="ansible_user: nobody\n",
        group_vars__core_yml='ansible_user: ops\nansible_ssh_common_args: "-o ProxyJump=me@bastion"\n',
        host_vars__core2_yml="ansible_network_os: cisco.nxos.nxos\nansible_port: 22\n",
    )
    core1, core2, acc1, _ = read_hosts(str(tmp_path)).hosts
    assert (core1.username, core1.jump, core1.platform) == ("ops", "me@bastion", "ios")
    assert (core2.platform, core2.port) == ("nxos", 22)
    assert (acc1.username, acc1.jump) == ("nobody", None)


YAML = """\
all:
  vars: {ansible_network_os: ios}
  children:
    core:
      vars: {ansible_user: reader, ansible_password: !vault "secret"}
      hosts:
        core1: {ansible_host: 10.0.0.1}
        core2:
"""


def test_an_ansible_inventory_in_yaml_and_what_ansible_lists_of_it_are_the_same(tmp_path):
    listed = {
        "_meta": {"hostvars": {
            "core1": {"ansible_host": "10.0.0.1", "ansible_network_os": "ios", "ansible_user": "reader"},
            "core2": {"ansible_network_os": "ios", "ansible_user": "reader"},
        }},
        "all": {"children": ["core"]},
        "core": {"hosts": ["core1", "core2"]},
    }  # fmt: skip
    written(tmp_path, inventory_yml=YAML)
    (tmp_path / "listed.json").write_text(json.dumps(listed), encoding="utf-8")
    one, other = read_hosts(str(tmp_path / "inventory.yml")), read_hosts(str(tmp_path / "listed.json"))
    assert (
        one.hosts
        == other.hosts
        == (Host("core1", "10.0.0.1", username="reader"), Host("core2", "core2", username="reader"))
    )
    assert any("passwords" in note for note in one.notes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[core]\ncore1 ansible_host\n", ":2: core1 ansible_host"),
        ("[core]\ncore1\n", "ansible_network_os"),
        ("all:\n  hosts:\n    a: {ansible_network_os: ios, ansible_host: '{{ ip }}'}\n", "is a template"),
        ("[a:children]\nb\n[b:children]\na\n[a]\nh ansible_network_os=ios\n", "is its own child"),
        ("Name,Status,Platform,IP Address\nweb,Active,Linux,10.0.0.1/24\n", "no device with a primary address"),
    ],
)
def test_a_faulty_inventory_is_named_with_its_place(tmp_path, text, words):
    path = tmp_path / "inventory"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InventoryProblem) as found:
        read_hosts(str(path))
    assert (words in str(found.value) and str(path) in str(found.value)) or "child" in words


def test_an_export_of_netbox_gives_the_devices_that_can_be_asked(tmp_path):
    path = tmp_path / "devices.csv"
    path.write_text(
        "Name,Status,Site,Type,Platform,IP Address\n"
        "core1,Active,DC1,C9500,Cisco IOS-XE,10.0.0.1/24\n"
        "web,Active,DC1,X,Linux,10.0.0.9/24\n"
        "n9k,Active,DC1,N9K,NX-OS,10.0.0.3/24\n"
        "gone,Offline,DC1,C9500,IOS,10.0.0.4/24\n"
        "old,Active,DC1,2960,IOS,\n",
        encoding="utf-8",
    )
    found = read_hosts(str(path))
    assert found.hosts == (Host("core1", "10.0.0.1", platform="iosxe"), Host("n9k", "10.0.0.3", platform="nxos"))
    assert [("old" in note, "web" in note and "gone" in note) for note in found.notes] == [(True, False), (False, True)]


def _device(name: str, address: str | None) -> dict[str, object]:
    return {
        "name": name,
        "status": {"value": "active"},
        "platform": {"slug": "cisco-ios", "name": "Cisco IOS"},
        "device_type": {"model": "C3750"},
        "primary_ip4": {"address": address} if address else None,
    }


@contextmanager
def _netbox(token: str, asked: list[str]) -> Iterator[str]:
    """A NetBox of two pages that wants a token."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.headers.get("Authorization") != f"Token {token}":
                self.send_error(403)
                return
            here = f"http://{self.headers['Host']}/api/dcim/devices/"
            second = "offset=1" in self.path
            page = {
                "count": 2,
                "next": None if second else f"{here}?offset=1",
                "results": [_device("core2", "10.0.0.2/24") if second else _device("core1", "10.0.0.1/24")],
            }
            body = json.dumps(page).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_netbox_is_read_page_by_page_with_its_token(monkeypatch):
    asked: list[str] = []
    with _netbox("abc", asked) as url:
        monkeypatch.delenv(TOKEN, raising=False)
        with pytest.raises(InventoryProblem, match=TOKEN):
            read_hosts(url)
        monkeypatch.setenv(TOKEN, "abc")
        found = read_hosts(f"{url}/?site=dc1")
    assert found == Found((Host("core1", "10.0.0.1"), Host("core2", "10.0.0.2")), "NetBox")
    assert all(path.startswith("/api/dcim/devices/?") for path in asked) and "site=dc1" in asked[1]


def test_a_page_of_netbox_that_was_saved_does_as_well(tmp_path):
    path = tmp_path / "devices.json"
    path.write_text(json.dumps({"results": [_device("core1", "10.0.0.1/24"), _device("old", None)]}), encoding="utf-8")
    found = read_hosts(str(path))
    assert found.hosts == (Host("core1", "10.0.0.1"),) and "old" in found.notes[0]


def test_a_netbox_that_does_not_answer_is_a_clear_error():
    with _netbox("abc", []) as url:
        pass
    done = clos("migrate", "discover", url)
    assert done.code == 2 and "is no inventory" in done.err and "Traceback" not in done.err
