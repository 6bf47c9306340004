#!/usr/bin/env bash
# netmiko 4.8.0 with asyncssh 2.24.0 as the device, by pip.
#
# Expected: a command that asks "[confirm]" unforeseen ends in ReadTimeout, and nothing is confirmed: who leaves the session
# then has refused.
# Seen: disconnect() looks for the prompt first, and types a newline: the device takes it for "yes".
# So: after ReadTimeout close the transport (paramiko_cleanup()) and read the device's state again.
set -eu
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 -m venv "$d/v"
"$d/v/bin/pip" install --quiet --disable-pip-version-check netmiko==4.8.0 asyncssh==2.24.0 2> "$d/pip.log" || { cat "$d/pip.log"; exit 2; }
"$d/v/bin/pip" freeze --disable-pip-version-check | grep -E '^(netmiko|asyncssh)='
out=$("$d/v/bin/python" - 2> "$d/err.log" <<'PYTHON'
import asyncio
import threading

import asyncssh
from netmiko import ConnectHandler
from netmiko.exceptions import ReadTimeout

answers, port, ready = [], [], threading.Event()

class Server(asyncssh.SSHServer):
    def begin_auth(self, username):
        return True
    def validate_password(self, username, password):
        return True
    def password_auth_supported(self):
        return True

async def device(session):
    """A prompt, an echo, and one command that asks."""
    line, asking = "", False
    session.stdout.write("\r\nr1#")
    while char := await session.stdin.read(1):
        if asking:
            answers.append(char)
            asking = False
            session.stdout.write("\r\nr1#")
        elif char not in "\r\n":
            line += char
            session.stdout.write(char)
        else:
            asking = line.strip() == "clear counters"
            session.stdout.write("\r\nClear counters on all interfaces [confirm]" if asking else "\r\nr1#")
            line = ""

async def main():
    server = await asyncssh.listen("127.0.0.1", 0, server_factory=Server, process_factory=device, line_editor=False,
                                   server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")])
    port.append(server.get_port())
    ready.set()
    await asyncio.Event().wait()

threading.Thread(target=asyncio.run, args=(main(),), daemon=True).start()
ready.wait()
session = ConnectHandler(device_type="cisco_ios", host="127.0.0.1", port=port[0], username="u", password="p")
try:
    session.send_command("clear counters", read_timeout=2)
except ReadTimeout:
    print("ReadTimeout; answered so far:", answers)
session.disconnect()
print("after disconnect():", answers)
PYTHON
) || { cat "$d/err.log"; exit 1; }
printf '%s\n' "$out"
[ "$out" = "ReadTimeout; answered so far: []
after disconnect(): ['\\n']" ]
