"""Debian's Kannel as a client of an SMSC: bearerbox and smsbox with a configuration of their own. They end with the
script."""

import os
import re
import shutil
import signal
import urllib.request

from harness import Process, accepts, free_port, tail, wait_for


def is_installed():
    return shutil.which("bearerbox") is not None


class Kannel:
    """Bound to the SMSC on a port of this machine, with messages kept in `memory`, a `file` or a `spool`."""

    def __init__(self, directory, smsc_port, window=10, store="memory", smsc_lines=""):
        self.admin, box, self.http = free_port(), free_port(), free_port()
        os.makedirs(os.path.join(directory, "spool"), exist_ok=True)
        kept = {
            "memory": "",
            "file": f"store-type = file\nstore-location = {directory}/kannel.store\n",
            "spool": f"store-type = spool\nstore-location = {directory}/spool\n",
        }[store]
        config = os.path.join(directory, "kannel.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(f"""group = core
admin-port = {self.admin}
admin-interface = 127.0.0.1
admin-password = kannel
smsbox-port = {box}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
log-level = 4
log-file = {directory}/bearerbox.log
dlr-storage = internal
sms-resend-freq = 1
{kept}
group = smsc
smsc = smpp
smsc-id = main
host = 127.0.0.1
port = {smsc_port}
transceiver-mode = true
smsc-username = kannel
smsc-password = kannel
system-type = ""
max-pending-submits = {window}
{smsc_lines}

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {box}
sendsms-port = {self.http}
sendsms-interface = 127.0.0.1
log-level = 4
log-file = {directory}/smsbox.log
mo-recode = false
http-queue-delay = 0
immediate-sendsms-reply = false

group = sendsms-user
username = kannel
password = kannel
concatenation = true
max-messages = 5
""")
        self.said = os.path.join(directory, "kannel.out")
        self.boxes = []
        self.start("bearerbox", config)
        self.wait_for("Kannel's start", lambda: accepts(box) and accepts(self.admin))
        self.start(shutil.which("smsbox") or "/usr/lib/kannel/smsbox", config)
        self.wait_for("smsbox's start", lambda: accepts(self.http))
        self.wait_for("Kannel's bind", lambda: "(online" in self.status())

    def start(self, program, config):
        with open(self.said, "ab") as said:
            self.boxes.append(Process(program, config, stderr=said))

    def wait_for(self, what, condition):
        """Ends the script where Kannel ends instead."""

        def unless_it_has_ended():
            if not all(box.is_running() for box in self.boxes):
                raise SystemExit(f"Kannel ended:\n{tail(self.said)}")
            return condition()

        wait_for(what, unless_it_has_ended)

    def status(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/status.txt?password=kannel", timeout=30) as answer:
            return answer.read().decode()

    def sent(self):
        """How many messages it says that it has sent."""
        return int(re.search(r"^SMS: received .*, sent (\d+) ", self.status(), re.MULTILINE).group(1))

    def stop(self):
        """Ends it. It may not come to an end by itself while it cannot report."""
        for box in reversed(self.boxes):
            box.stop(signal.SIGKILL)
