"""Keys that clients of several nodes contend for: idempotency keys, and API keys that are revoked while they are used.
Each has the operations on it, for a history (`history.py`)."""

import collections
import hashlib
import itertools
import json
import threading

from contests import ACCOUNT, BROADCASTS, Account, Strange, Unasked, code
from harness import TOKEN
from models import ACCEPTED, REFUSED, REVOKE, USE, awaited, idempotency, revocation, seen_by, with_holds


class Keys:
    """Idempotency keys, each of which many clients use at once with two different requests. Every fourth is of
    broadcasts."""

    # A new key begins so often, and so many are in use.
    EVERY_SECS, AT_ONCE = 0.2, 3
    RECIPIENTS = "+131"
    # How long a client waits for an answer.
    PATIENCE_SECS = 2

    def __init__(self, history, nodes, chance):
        self.history, self.nodes = history, nodes
        self.account = Account(chance.choice(nodes))
        self.newest = 0
        self.operations = collections.defaultdict(list)

    def go_on(self, stopped):
        while not stopped.wait(self.EVERY_SECS):
            self.newest += 1

    def play(self, node, chance):
        return self.send(node, max(0, self.newest - chance.randrange(self.AT_ONCE)), chance.choice("XXY"))

    def request(self, number, letter):
        """The path, the body and the headers of a request, which is the same each time."""
        path, body = self.account.message(f"key {letter}")
        body |= {"to": f"{self.RECIPIENTS}{number:08}", "idempotencyKey": self.name(number)}
        if number % 4 == 3:
            path, body["recipients"] = BROADCASTS, [f"+132{number:08}", body.pop("to")]
        return path, body, self.account.headers

    def name(self, number):
        return f"{self.account.number[1:]}-{number}"

    def send(self, node, number, letter):
        path, body, headers = self.request(number, letter)

        def read(answer, octets):
            if answer.status == 201:
                made = json.loads(octets)
                self.history.promised.add(made["id"])
                # Every answer is the same, octet by octet.
                whole = f"{made['id']} {made['status']} (digest {hashlib.sha256(octets).hexdigest()[:8]})"
                return ("accepted", whole, "replayed" if answer.getheader("idempotent-replayed") else "new")
            if answer.status == 409 and code(octets) == 33013:
                return REFUSED
            raise Strange

        question = (node.api, "POST", path, headers, body, self.PATIENCE_SECS)
        operation, _ = self.history.ask(node, (letter,), question, read)
        self.operations[self.name(number)].append(operation)
        return operation.output is not None

    def last_questions(self, chance):
        """Every request once more."""
        for number, letter in itertools.product(range(self.newest + 1), "XY"):
            node = chance.choice(self.nodes)
            yield lambda node=node, number=number, letter=letter: self.send(node, number, letter)

    def histories(self):
        for name, operations in self.operations.items():
            yield f"the idempotency key {name}", idempotency, (), operations


class Waits(Keys):
    """Idempotency keys whose clients wait for the outcome of their message. Each client begins keys of its own and
    repeats requests of others, some of which are under way."""

    AT_ONCE, RECIPIENTS = 8, "+133"
    # Long enough for the answer of a node that waits for the database before it ends the request.
    PATIENCE_SECS = 15

    def __init__(self, history, nodes, chance):
        super().__init__(history, nodes, chance)
        self.numbers = itertools.count()

    def request(self, number, letter):
        path, body = self.account.message(f"key {letter}")
        body |= {"to": f"{self.RECIPIENTS}{number:08}", "idempotencyKey": self.name(number)}
        return path, body, self.account.headers | {"prefer": "wait=1"}

    def go_on(self, stopped):
        """There is nothing to do beside the clients."""

    def play(self, node, chance):
        if chance.random() < 0.5:
            self.newest = number = next(self.numbers)
            return self.send(node, number, "X")
        return self.send(node, max(0, self.newest - chance.randrange(self.AT_ONCE)), chance.choice("XXXXY"))

    def last_questions(self, chance):
        for number in range(self.newest + 1):
            node = chance.choice(self.nodes)
            yield lambda node=node, number=number: self.send(node, number, "X")

    def histories(self):
        for name, operations in self.operations.items():
            yield f"the idempotency key {name}, whose requests wait", awaited, (), with_holds(operations)


class Revocations:
    """API keys that are used at all nodes and revoked meanwhile, at one node or at two at once. Some requests to revoke
    a key that have no answer are not made again."""

    KEYS, EVERY_SECS = 40, 0.4

    def __init__(self, history, nodes, chance):
        self.history, self.nodes = history, nodes
        self.chance = chance
        self.account = Account(chance.choice(nodes), keys=self.KEYS)
        self.ids = list(self.account.keys)
        # How many are revoked. The last of them are tried on, and the next one is used already.
        self.revoked = 0
        self.operations = collections.defaultdict(list)

    def go_on(self, stopped):
        """Revokes one key after another."""
        threads = []
        while not stopped.wait(self.EVERY_SECS) and self.revoked < self.KEYS:
            id, is_left = self.ids[self.revoked], self.chance.random() < 0.3
            self.revoked += 1
            for _ in range(self.chance.choice((1, 1, 2))):
                order = self.chance.sample(self.nodes, len(self.nodes))
                threads.append(threading.Thread(target=self.revoke, args=(order, id, is_left), daemon=True))
                threads[-1].start()
        for thread in threads:
            thread.join()

    def revoke(self, order, id, is_left):
        """Asks one node after another until one has revoked the key; only the first where it is left."""
        for node in order:
            try:
                question = (node.admin, "DELETE", f"/admin/v1/keys/{id}", {"authorization": f"Bearer {TOKEN}"}, None)
                operation, _ = self.history.ask(node, REVOKE, question, read_revoked)
            except Unasked:
                continue
            self.operations[id].append(operation)
            if operation.output or is_left:
                return

    def play(self, node, chance):
        lowest, highest = max(0, self.revoked - 4), min(self.revoked + 1, self.KEYS - 1)
        return self.use(node, self.ids[chance.randint(lowest, highest)], chance.random() < 0.2)

    def use(self, node, id, is_sending):
        path, body = self.account.message("with a key") if is_sending else (ACCOUNT, None)
        question = (node.api, "POST" if is_sending else "GET", path, self.account.keys[id], body)
        operation, _ = self.history.ask(node, USE, question, read_used)
        self.operations[id].append(operation)
        return operation.output is not None

    def last_questions(self, _):
        """Every key at every node."""
        for id, node in itertools.product(self.ids[: self.revoked], self.nodes):
            yield lambda id=id, node=node: self.use(node, id, False)

    def histories(self):
        for (id, operations), node in itertools.product(self.operations.items(), self.nodes):
            seen = seen_by(node.name, operations, self.history.known_by)
            yield f"the API key {id} at node {node.name}", revocation, False, seen

    def latest(self):
        """How long after its revocation was certain a key was accepted, at most: at nodes that ran all the time, and at
        nodes that stood still or could not ask the database meanwhile."""
        ran, stood = [0.0], [0.0]
        for operations in self.operations.values():
            certain = min((one.returned for one in operations if one.output in (REFUSED, ("done",))), default=None)
            for one in operations:
                if one.output == ACCEPTED and certain is not None and one.call > certain:
                    still = any(began < one.call and ended > certain for began, ended in self.history.still[one.node])
                    (stood if still else ran).append(one.call - certain)
        return max(ran), max(stood)


def read_revoked(answer, _):
    if answer.status != 204:
        raise Strange
    return ("done",)


def read_used(answer, octets):
    if answer.status in (200, 201):
        return ACCEPTED
    if answer.status == 401 and code(octets) == 33001:
        return REFUSED
    raise Strange
