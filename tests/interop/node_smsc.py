"""An SMSC made of the npm package smpp, as a process that a test drives."""

import json
import os
import subprocess
import threading

from support import PATIENCE, ROOT, Process, wait_for

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "node", "smsc.js")


class NodeSmsc(Process):
    """Everything that it tells is in `events`, in the order in which it happened."""

    def __init__(self):
        modules = os.path.join(ROOT, "target", "interop-node", "node_modules")
        super().__init__(
            "node",
            SCRIPT,
            env=dict(os.environ, NODE_PATH=modules),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.events, self.delivered = [], 0
        threading.Thread(target=self.read, daemon=True).start()
        self.port = wait_for("the Node SMSC listens", lambda: self.told("listening"), PATIENCE)[0]["port"]

    def read(self):
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def told(self, event, **fields):
        """The events of one kind so far that have these fields."""
        of_kind = [told for told in list(self.events) if told["event"] == event]
        return [told for told in of_kind if all(told[name] == value for name, value in fields.items())]

    def deliver(self, session=0, command="deliver_sm", **fields):
        """Delivers over a session, without a wait for the answer. Its number, for `status`."""
        self.delivered += 1
        order = {"id": self.delivered, "session": session, "command": command, "fields": fields}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self.delivered

    def status(self, number):
        """The status with which a delivery was answered, once it is."""
        return wait_for(f"the answer to delivery {number}", lambda: self.told("response", id=number), PATIENCE)[0][
            "status"
        ]

    def close(self):
        self.process.stdin.close()
        self.wait(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
