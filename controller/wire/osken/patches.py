"""The one place that patches os-ken 4.2.2 (Ryu's maintained continuation), so that a controller can stand on it.

Lives here: what os-ken's native-thread hub and its connection handling get wrong, put right on import.
Must not know: rules, plans, sessions. Every fault below is held by a test in tests/southbound/test_osken_faults.py.

1. **A handler's exception ends its app.** The native hub says ``TaskExit = Exception``, so the event loop takes any
   exception for an orderly exit and stops without a word. Patched: TaskExit is an exception of its own; os-ken then
   logs the traceback and goes on.
2. **Ctrl-C hangs.** Hub threads are not daemons and have no ``kill``. Patched: they are, and they have.
3. **Event.wait(timeout) waits for ever.** Its timeout is never looked at. Patched: ``threading.Event``.
4. **getcurrent is a thread, not a function.** Patched.
5. **A disconnect is never noticed and leaks two threads.** The receiver waits for a sender that waits for work, so the
   DEAD event is never raised. Every switch costs three threads, and one that stops reading blocks whoever sends to it.
   Patched by replacement (controller.wire.osken.listener and connection): one event loop carries every switch, in
   bounded buffers.
6. **A half-open connection lives for ever**, and so does one that never says hello: no echo is sent by default.
   Patched: both have deadlines.
7. **It listens on 0.0.0.0, and on a second port (6633) when no port is given.** Patched: 127.0.0.1 and one port.
8. **One failed accept (too many files) ends the accept loop** for the life of the process. Patched with 5.
9. **A malformed message ends the receive thread, or fills the log with tracebacks**: the parser trusts its peer.
   Patched: a message that cannot be parsed costs one log line; too many cost the connection.
10. **A slow app blocks every switch**: its queue holds 128 events and the receiver waits for room. Patched by App:
    packet-ins beyond the limit are dropped and counted; state changes, port changes and errors never are.
11. **Two threads can draw the same xid.** Patched: an atomic counter.
12. **Its own set-up of TLS can hang a switch.** Patched: the context is made by us (listener), of none of its options
    but names of files.
13. **Its parser can be kept busy by a peer**, before any certificate or handshake counts. Patched: our codec checks a
    message first, and os-ken parses only what our codec wrote.

Not patched: ``hub.Timeout`` cannot interrupt a native thread. Nothing here uses it.
"""

from __future__ import annotations

import threading
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from clos.controller.wire.osken.listener import Listener

VERSION = "4.2.2"
"""The one os-ken version these patches were written against and tested with."""

START_SECONDS = 10.0
"""How long os-ken may take to listen, or to end."""
PACKET_INS_QUEUED = 1024
"""Packet-ins that may wait for one app; those beyond are dropped (and counted)."""


class UnsupportedOsKen(RuntimeError):
    """The installed os-ken is not the one patched here."""


def check(installed: str, hub_type: str = "native") -> None:
    """Raise UnsupportedOsKen unless this is the os-ken version and hub the patches are for."""
    if installed != VERSION:
        raise UnsupportedOsKen(
            f"os-ken {installed} is installed, but controller/wire/osken/patches.py patches {VERSION}: "
            f"install os-ken=={VERSION}, or re-check each fault it names and raise its VERSION"
        )
    if hub_type != "native":
        raise UnsupportedOsKen(f"OSKEN_HUB_TYPE={hub_type}: Clos runs os-ken on native threads; unset the variable")


check(version("os-ken"))

# base.app_manager goes first: controller.controller imports it back.
from os_ken.base import app_manager  # noqa: E402
from os_ken.controller import controller, ofp_event, ofp_handler  # noqa: E402
from os_ken.lib import hub  # noqa: E402

check(version("os-ken"), hub.HUB_TYPE)


class CannotListen(OSError):
    """The controller's address cannot be listened on; the text says why and what to do."""


class Tls(NamedTuple):
    """Paths of PEM files. With ``ca``, a switch must show a certificate that it signed.

    One that names datapath ids (controller.pki.identity) is good for these alone. ``bound``: one that names none is
    refused.
    """

    key: str
    cert: str
    ca: str | None = None
    bound: bool = False


class TaskExit(BaseException):
    """Raised by nobody but a task that means to end itself."""


class DaemonThread(hub.HubThread):  # type: ignore[misc]  # os-ken is untyped
    """A hub thread that does not keep the process alive. ``kill`` exists, as os-ken's run_apps calls it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.daemon = True

    def kill(self) -> None:
        """Nothing: a thread ends by its own flag or event."""


class App(app_manager.OSKenApp):  # type: ignore[misc]
    """An OSKenApp whose slowness stays its own: giving it an event never blocks (fault 10)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.events = hub.Queue()
        self._events_sem = threading.Semaphore(0)  # os-ken releases it per event; nobody waits for it
        self.dropped_packet_ins = 0

    def _send_event(self, event: Any, state: Any) -> None:
        if isinstance(event, ofp_event.EventOFPPacketIn) and self.events.qsize() >= PACKET_INS_QUEUED:
            self.dropped_packet_ins += 1
            return
        self.events.put((event, state))


class Runtime:
    """os-ken running one app, given as a module's name; ``arguments`` go to the app. One at a time in a process."""

    def __init__(self, app: str, host: str, port: int, tls: Tls | None = None, **arguments: Any) -> None:
        """Start it. Raises CannotListen; RuntimeError when one runs already."""
        if app_manager.SERVICE_BRICKS:
            raise RuntimeError("a controller runs in this process already: stop it first (os-ken allows one)")
        _configure(host, port, tls)
        self._apps = app_manager.AppManager()
        self._apps.load_apps([app])
        self._apps.instantiate_apps(**arguments)
        self.listener: Listener = app_manager.lookup_service_brick("ofp_event").controller
        self.listener.listening.wait(START_SECONDS)
        if self.listener.address is None:
            self.stop()
            raise CannotListen(
                f"cannot listen on {host}:{port}: {self.listener.failure}; "
                "is another controller running there? stop it, or choose another port"
            )

    def stop(self) -> None:
        """Drop every connection and end every thread."""
        self.listener.stop()
        self.listener.ended.wait(START_SECONDS)
        self._apps.close()


def _configure(host: str, port: int, tls: Tls | None) -> None:
    """Set os-ken's options; no configuration file and no command line of the process is read."""
    conf = controller.CONF
    conf(args=[], project="clos", default_config_files=[], default_config_dirs=[])
    options = {
        "ofp_listen_host": host,
        "ofp_tcp_listen_port": port,
        "ofp_ssl_listen_port": port,
        "ctl_privkey": tls and tls.key,
        "ctl_cert": tls and tls.cert,
        "ca_certs": tls and tls.ca,
    }
    for name, value in options.items():
        conf.set_override(name, value)


def patch() -> None:
    """Put the patched parts in os-ken's place. Done once, on import."""
    from clos.controller.wire.osken.listener import Listener  # noqa: PLC0415  # it needs a patched hub

    hub.TaskExit = TaskExit
    hub.HubThread = DaemonThread
    hub.Event = threading.Event
    hub.getcurrent = threading.current_thread
    controller.OpenFlowController = Listener
    ofp_handler.OpenFlowController = Listener
    controller.CONF.set_default("ofp_listen_host", "127.0.0.1")
    controller.CONF.set_default("echo_request_interval", 5.0)
    controller.CONF.set_default("maximum_unreplied_echo_requests", 3)


patch()
