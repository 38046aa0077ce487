"""Peers made of npm packages, as processes that a test drives: an SMSC (smpp), a receiver of webhooks
(standardwebhooks)."""

import hashlib
import json
import os
import shutil
import subprocess
import threading

from support import PATIENCE, ROOT, Process, wait_for

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "node")
PACKAGES = os.path.join(ROOT, "target", "interop-node")


def install():
    """Installs the npm packages of the peers, anew when the lock file has changed."""
    with open(os.path.join(SCRIPTS, "package-lock.json"), "rb") as file:
        wanted = hashlib.sha256(file.read()).hexdigest()
    mark = os.path.join(PACKAGES, "lock.sha256")
    if os.path.exists(mark) and open(mark, encoding="ascii").read() == wanted:
        return
    os.makedirs(PACKAGES, exist_ok=True)
    for name in ["package.json", "package-lock.json"]:
        shutil.copy(os.path.join(SCRIPTS, name), PACKAGES)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=PACKAGES, check=True)
    with open(mark, "w", encoding="ascii") as file:
        file.write(wanted)


class NodePeer(Process):
    """A script that listens. Everything that it tells is in `events`, in the order in which it happened. `within` is a
    command that runs it somewhere else, such as in another network."""

    def __init__(self, script, *arguments, within=()):
        super().__init__(
            *within,
            "node",
            os.path.join(SCRIPTS, script),
            *arguments,
            env=dict(os.environ, NODE_PATH=os.path.join(PACKAGES, "node_modules")),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.events = []
        threading.Thread(target=self.read, daemon=True).start()
        self.port = wait_for(f"{script} listens", lambda: self.told("listening"), PATIENCE)[0]["port"]

    def read(self):
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def told(self, event, **fields):
        """The events of one kind so far that have these fields."""
        of_kind = [told for told in list(self.events) if told["event"] == event]
        return [told for told in of_kind if all(told[name] == value for name, value in fields.items())]

    def order(self, fields):
        self.process.stdin.write(json.dumps(fields) + "\n")
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        self.wait(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()


class NodeSmsc(NodePeer):
    """An SMSC."""

    def __init__(self, port=0, **options):
        self.delivered = 0
        super().__init__("smsc.js", port, **options)

    def deliver(self, session=0, command="deliver_sm", **fields):
        """Delivers over a session, without a wait for the answer. Its number, for `status`."""
        self.delivered += 1
        self.order({"id": self.delivered, "session": session, "command": command, "fields": fields})
        return self.delivered

    def status(self, number):
        """The status with which a delivery was answered, once it is."""
        answers = wait_for(f"the answer to delivery {number}", lambda: self.told("response", id=number), PATIENCE)
        return answers[0]["status"]


class NodeReceiver(NodePeer):
    """A receiver of webhooks."""

    def __init__(self):
        super().__init__("receiver.js")

    def trust(self, path, secret):
        """Verifies what comes to this path with this secret."""
        self.order({"path": path, "secret": secret})
        wait_for(f"the secret of {path}", lambda: self.told("ready", path=path), PATIENCE)
