"""What these tests share: the program under test, its SMSC with a log, its server with carriers, and what ends with a
test."""

import json
import logging
import os
import shutil
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

from harness import NUMBER, Process, Server, Smsc, wait_for  # noqa: E402 (it lies next to the scripts)

BINARY = os.environ.get("SMSFACTORY_BINARY", os.path.join(ROOT, "target", "debug", "smsfactory"))

# smpplib tells what a test provokes on purpose, and the test judges it.
logging.getLogger("smpp").setLevel(logging.CRITICAL)

# Seconds within which a peer answers. Long, because a machine may be busy; nothing waits for it unless something is
# wrong.
PATIENCE = 20


class Case(unittest.TestCase):
    """A test with a directory of its own. What it starts through `start` ends with it."""

    maxDiff = 4000

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="smsfactory-interop-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.addCleanup(Process.stop_all)

    def path(self, name):
        return os.path.join(self.directory, name)

    def smsc(self, *options, name="smsc"):
        return LoggedSmsc(self.path(f"{name}.log"), *options)

    def wait_for(self, what, condition):
        return wait_for(what, condition, PATIENCE)


class LoggedSmsc(Smsc):
    """The simulated SMSC, with a log that has the texts as it decoded them."""

    def __init__(self, log, *options):
        self.log = log
        super().__init__(BINARY, "--log", log, "--log-text", *options)

    def wait(self, seconds=PATIENCE):
        code = super().wait(seconds)
        self.process.stdout.close()
        return code

    def seen(self, event="submit_sm"):
        """What it has seen of one kind so far."""
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding="utf-8") as lines:
            whole = [line for line in lines if line.endswith("\n")]
        return [line for line in map(json.loads, whole) if line["event"] == event]


# What lets clients send from every kind of sender: a line of the section [api].
EVERY_KIND = 'sender_kinds = ["number", "short_code", "name"]'

# A short code and names, as an operator provides them.
SHORT_CODE, NAME, NAME_OF_MARKS = "72345", "ACME Bank", "3M & Co. @1"


class Client:
    """A client of a server's API, over the carriers that its table names."""

    def __init__(self, directory, smsc_port, carriers):
        """`carriers` maps a name to the beginning of the numbers that it serves, its port and the lines of its
        table."""
        tables = "read_per_minute = 4000000000\n"
        for name, (prefix, port, lines) in carriers.items():
            tables += f'[[carrier]]\nname = "{name}"\nhost = "127.0.0.1"\nport = {port}\nsystem_id = "{name}"\n'
            tables += f"rate = 0\nreconnect_floor_ms = 100\n{lines}\n"
            tables += f'[[route]]\nprefix = "{prefix}"\ncarriers = ["{name}"]\n'
        self.server = Server(BINARY, directory, smsc_port, settings=tables, api=EVERY_KIND)
        self.server.start(PATIENCE)
        self.credentials = self.server.account()

    def is_bound(self):
        """Whether every carrier is."""
        return all(carrier["state"] == "bound" for carrier in self.server.ask("GET", "/carriers")["data"])

    def provide(self, *senders):
        """Gives the account these senders, as an operator would."""
        account = self.server.ask("GET", f"/numbers/{urllib.parse.quote(NUMBER)}")["accountId"]
        for sender in senders:
            self.server.ask("POST", "/numbers", {"number": sender, "accountId": account})

    def send(self, recipient, text, sender=NUMBER):
        """Posts a message. Its id."""
        return self.ask("POST", "/message", {"to": recipient, "from": sender, "body": text})["id"]

    def status(self, message):
        return self.ask("GET", f"/message/{message}")["status"]

    def ask(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        headers = {"authorization": f"Basic {self.credentials}", "content-type": "application/json"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.server.api}/api/v1/messaging{path}", method=method, data=data, headers=headers
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def end(self):
        """Tells the server to end, as an operator would. Its exit code."""
        return self.server.process.stop(seconds=PATIENCE)
