"""Words that no command can use: each is told what is wrong with it, and none is taken for a fault of Clos."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from clos.controller.cli.answer import Stop
from clos.controller.cli.commands.login import _keep
from clos.controller.cli.passwords import known_password
from clos.fabric.sim.world.operations import OPS
from tests.support.cli_run import clos


@contextmanager
def saying(words: bytes) -> Iterator[str]:
    """A server that says this to everybody who connects."""

    def serve() -> None:
        while True:
            try:
                with listener.accept()[0] as at:
                    at.sendall(words)
                    at.recv(65536)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("words", [b"SSH-2.0-x\n", b"[]\n", b"{}\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n"])
def test_what_takes_no_orders_is_no_simulation(words: bytes) -> None:
    with saying(words) as place:
        answer = clos("sim-control", place, "status")
    assert answer.code == 3 and "no simulation that takes orders" in answer.err


def test_a_port_that_there_cannot_be_is_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = clos("sim-control", "127.0.0.1:99999999", "status")
    assert answer.code == 3 and "99999999 is no port" in answer.err
    monkeypatch.setenv("CLOS_URL", "http://127.0.0.1:99999999")
    monkeypatch.setenv("CLOS_TOKEN", "x")
    answer = clos("status", "--state", tmp_path)
    assert answer.code == 3 and "http://127.0.0.1:99999999" in answer.err and "its port is no number" in answer.err


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("x", "'x' is no address of a daemon: it begins with neither http:// nor https://"),
        ("https://", "it names no host"),
        ("http://h:abc", "its port is no number up to 65535"),
        ("http://[::1", "its host is neither a name nor an address"),
        ("http://a\nb", "'http://a\\nb' is no address of a daemon: it has characters that no address has"),
        ("http://127.0.0.1:1", "nothing answers at http://127.0.0.1:1: Connection refused"),
        ("http://nosuch.invalid:80", "its name has no address"),
    ],
)
@pytest.mark.parametrize("token", ["x", ""])
def test_what_is_wrong_with_the_controllers_address_is_told(
    url: str, says: str, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOS_URL", url)
    monkeypatch.setenv("CLOS_TOKEN", token)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    answer = clos("status", "--state", tmp_path)
    assert answer.code == 3
    if not token and url in ("http://127.0.0.1:1", "http://nosuch.invalid:80"):  # addresses there can be
        assert "you are not logged in" in answer.err
    else:
        assert says in answer.err and "CLOS_URL" in answer.err


def test_what_is_wrong_with_the_file_of_authorities_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOS_URL", "https://127.0.0.1:1")
    monkeypatch.setenv("CLOS_TOKEN", "x")
    (tmp_path / "text.pem").write_text("no certificate", encoding="utf-8")
    for name, says in (("nowhere", "there is no such file"), ("text.pem", "no certificates in PEM"), ("", "directory")):
        monkeypatch.setenv("CLOS_CA", str(tmp_path / name))
        answer = clos("status", "--state", tmp_path)
        assert answer.code == 3 and says in answer.err and "CLOS_CA names a file" in answer.err


def test_an_empty_word_is_no_path(tmp_path: Path) -> None:
    for words in (("migrate", "show", ""), ("migrate", "plan", tmp_path, "-t", "", "--out", "x"), ("validate", "")):
        answer = clos(*words)
        assert answer.code == 2 and "'' is no path" in answer.err
    answer = clos("migrate", "discover", "")
    assert answer.code == 2 and "'' is no inventory; name a file" in answer.err


def test_a_file_s_name_moves_no_cursor(tmp_path: Path) -> None:
    for name in ("a\nb", "a\x1b[2Jb"):
        for words in (("restore", tmp_path / name), ("backup", tmp_path / "x", "--state", tmp_path / name)):
            answer = clos(*words)
            assert answer.code in (2, 3) and answer.err.count("\n") == 1 and "\x1b" not in answer.err
            assert name.encode("unicode_escape").decode() in answer.err


@pytest.mark.parametrize("token", ["a\nb", "\u00e9", "\udcff"])
def test_a_token_that_no_header_can_hold_is_no_token(
    token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("CLOS_TOKEN", token)
    answer = clos("status", "--state", tmp_path)
    assert answer.code == 3 and "CLOS_TOKEN" in answer.err


@pytest.mark.parametrize(
    "words", [("audit",), ("rollback", "--yes"), ("proposal", "show"), ("audit-log", "export", "--after")]
)
def test_numbers_that_no_store_keeps_are_too_large(words: tuple[str, ...], tmp_path: Path) -> None:
    answer = clos(*words, "99999999999999999999", "--state", tmp_path)
    assert answer.code == 2 and "too large" in answer.err


@pytest.mark.parametrize("host", ["", "a\nb", "a b"])
def test_certificates_name_no_host_that_there_cannot_be(host: str, tmp_path: Path) -> None:
    assert clos("pki", "init", "--dir", tmp_path).code == 0
    answer = clos("pki", "controller", "c1", "--dir", tmp_path, "--host", host)
    assert answer.code == 2 and "is no name or address" in answer.err
    assert not (tmp_path / "c1.key").exists()


def test_a_password_in_another_encoding_is_refused_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.readline", lambda: "\udcff\udcfe\n", raising=False)
    with pytest.raises(Stop, match="UTF-8"):
        known_password("ann", stdin=True)


def test_a_login_that_cannot_be_kept_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "clos" / "logins.json").mkdir(parents=True)
    with pytest.raises(Stop, match="cannot be kept"):
        _keep("http://x", {"token": "t"})
    assert [each.name for each in (tmp_path / "clos").iterdir()] == ["logins.json"]


@pytest.mark.parametrize(
    ("op", "field", "value"),
    [
        ("reload", "seconds", "1e999"),
        ("reload", "seconds", "-1"),
        ("leap", "seconds", "NaN"),
        ("leap", "seconds", "-1"),
        ("fault", "times", "-1"),
        ("refuse", "times", "99999999999999999999"),
        ("probe", "port", "-1"),
        ("probe", "port", "65536"),
        ("flows_start", "pairs", '[["a", "b", "tcp", 70000]]'),
    ],
)
def test_orders_with_numbers_that_make_no_sense_are_refused(op: str, field: str, value: str) -> None:
    take = {**OPS[op].needs, **OPS[op].may}[field]
    with pytest.raises(ValueError, match="expected"):
        take(json.loads(value))


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        (("--ssh", "127.0.0.1:65530"), "ports end at 65535", 2),
        (("--ssh", "127.0.0.1:0", "--control", "10.0.0.1:5"), "on loopback only", 2),
        (("--ssh", "127.0.0.1:0", "--control", "localhost:5"), "on loopback only", 2),
        (("--ssh", "127.0.0.1:0", "--control", "127.0.0.1:65536"), "on loopback only", 2),
        (("--ssh", "127.0.0.1:0", "--control", "FILE"), "a file is there, and no socket", 3),
    ],
)
def test_a_simulation_that_cannot_listen_leaves_files_alone(
    words: tuple[str, ...], told: str, code: int, tmp_path: Path
) -> None:
    pytest.importorskip("asyncssh", reason="asyncssh is not installed (extra: migrate)")
    kept = tmp_path / "kept"
    kept.write_text("mine")
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        answer = clos("sim-legacy", "topologies/legacy-bank", *(kept if word == "FILE" else word for word in words))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert answer.code == code and told in answer.err
    assert kept.read_text() == "mine"


@pytest.mark.parametrize("words", [("apply", "--yes"), ("proposal", "create")])
def test_a_directory_without_documents_is_no_change_to_nothing(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "notes.txt").write_text("nothing to read here")
    ran = clos(*words, str(tmp_path), "--state", str(tmp_path / "state"))
    assert ran.code == 2
    assert f"{tmp_path}: no *.yaml or *.yml files in this directory; nothing was asked or sent" in ran.err
