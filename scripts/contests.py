"""Things that clients of several nodes contend for: places in a quota, idempotency keys, and API keys that are revoked
while they are used. Each has the operations on it, for a history (`history.py`)."""

import base64
import collections
import datetime
import hashlib
import itertools
import json
import threading

from harness import TOKEN
from models import (
    ACCEPTED, READ, REFUSED, REVOKE, USE, awaited, idempotency, quota, revocation, seen_by, with_holds,
)

MESSAGES, BROADCASTS, ACCOUNT = (f"/api/v1/messaging/{name}" for name in ("message", "broadcast", "account"))


class Unasked(Exception):
    """No connection could be made: nothing was asked."""


class Strange(Exception):
    """An answer that the operation may not have."""


def code(octets):
    """The code of an error."""
    return json.loads(octets)["code"]


accounts, recipients = itertools.count(1), itertools.count(1)


def recipient():
    """A number that no other message goes to."""
    return f"+130{next(recipients):08}"


def headers_of(key):
    basic = base64.b64encode(f"{key['keyId']}:{key['keySecret']}".encode()).decode()
    return {"authorization": f"Basic {basic}", "content-type": "application/json"}


class Account:
    """An account with a number of its own and keys, known to every node within a second."""

    def __init__(self, node, keys=1, **limits):
        self.number = f"+1800557{next(accounts):04}"
        limits = {"messagePerMinute": 4_000_000_000, "readPerMinute": 4_000_000_000, **limits}
        id = node.ask("POST", "/accounts", {"name": self.number, **limits})["id"]
        node.ask("POST", "/numbers", {"number": self.number, "accountId": id})
        made = [node.ask("POST", f"/accounts/{id}/keys", {}) for _ in range(keys)]
        self.keys = {key["keyId"]: headers_of(key) for key in made}
        self.headers = headers_of(made[0])

    def message(self, text):
        return MESSAGES, {"to": recipient(), "from": self.number, "body": text}

    def broadcast(self, text, count):
        return BROADCASTS, {"recipients": [recipient() for _ in range(count)], "from": self.number, "body": text}


class Quotas:
    """Accounts with small quotas, whose clients send messages and broadcasts and read the use. An operation belongs to
    the day for which the node counted it; one without an answer, to that of its call and to those after it."""

    ACCOUNTS, LIMITS, BROADCAST = 12, (15, 80), 3
    # A new account begins so often, and so many are in use.
    EVERY_SECS, AT_ONCE = 1.0, 3

    def __init__(self, history, nodes, chance):
        self.history, self.nodes = history, nodes
        made = [(chance.randint(*self.LIMITS), chance.choice(nodes)) for _ in range(self.ACCOUNTS)]
        self.accounts = [(Account(node, dailyQuota=limit), limit) for limit, node in made]
        self.newest = 0
        self.operations = collections.defaultdict(list)

    def go_on(self, stopped):
        while not stopped.wait(self.EVERY_SECS) and self.newest < self.ACCOUNTS - 1:
            self.newest += 1

    def play(self, node, chance):
        (account, limit), kind = self.accounts[max(0, self.newest - chance.randrange(self.AT_ONCE))], chance.random()
        if kind < 0.2:
            return self.read(node, account, limit)
        return self.send(node, account, limit, self.BROADCAST if kind < 0.4 else 1)

    def send(self, node, account, limit, count):
        path, body = account.message("quota") if count == 1 else account.broadcast("quota", count)

        def read(answer, octets):
            if answer.status == 201:
                self.history.promised.add(json.loads(octets)["id"])
                return ACCEPTED
            if answer.status == 429 and code(octets) == 33012:
                return REFUSED
            raise Strange

        question = (node.api, "POST", path, account.headers, body)
        return self.note(node, account, limit, ("send", count), question, read)

    def read(self, node, account, limit):
        def read(answer, octets):
            if answer.status != 200:
                raise Strange
            return ("used", json.loads(octets)["quota"]["used"])

        question = (node.api, "GET", ACCOUNT, account.headers, None)
        return self.note(node, account, limit, READ, question, read)

    def note(self, node, account, limit, asked, question, read):
        day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        operation, answer = self.history.ask(node, asked, question, read)
        is_known = operation.output is not None
        self.operations[account.number, limit, counted_day(*answer) if is_known else day, is_known].append(operation)
        return is_known

    def last_questions(self, _):
        """Reads at every node what is used at last, and asks for more."""
        for account, limit in self.accounts[: self.newest + 1]:
            for node in self.nodes:
                yield lambda node=node, account=account, limit=limit: self.read(node, account, limit)
                yield lambda node=node, account=account, limit=limit: self.send(node, account, limit, 1)

    def histories(self):
        for (number, limit, day, is_known), operations in list(self.operations.items()):
            if is_known:
                days = sorted({named[2] for named in self.operations if named[:2] == (number, limit)})
                unknown = [self.operations.get((number, limit, one, False), []) for one in days if one <= day]
                name = f"the quota of {limit} of {number} on {day}"
                yield name, quota(limit), 0, operations + list(itertools.chain(*unknown))


def counted_day(answer, octets):
    """The day in whose quota a request was counted or refused, or whose use was read."""
    told = json.loads(octets)
    if answer.status == 201:
        return told["createdAt"][:10]
    if answer.status == 200:
        end = datetime.datetime.fromisoformat(told["quota"]["resetsAt"])
    else:
        left = datetime.timedelta(seconds=int(answer.getheader("retry-after")))
        end = datetime.datetime.now(datetime.timezone.utc) + left
    # The noon before the end, whose day it is although the time left is not exact.
    return (end - datetime.timedelta(hours=12)).date().isoformat()


class Keys:
    """Idempotency keys, each of which many clients use at once with two different requests. Of every four keys one is
    of broadcasts, and the clients of another wait for the outcome of their message."""

    # A new key begins so often, and so many are in use.
    EVERY_SECS, AT_ONCE = 0.2, 3
    BROADCASTS, WAITING = 1, 3

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

    def send(self, node, number, letter):
        name = f"{self.account.number[1:]}-{number}"
        path, body = self.account.message(f"key {letter}")
        # The same request each time: the same recipients as well.
        body |= {"to": f"+131{number:08}", "idempotencyKey": name}
        headers = self.account.headers
        if number % 4 == self.BROADCASTS:
            path, body["recipients"] = BROADCASTS, [f"+132{number:08}", body.pop("to")]
        if number % 4 == self.WAITING:
            headers = headers | {"prefer": "wait=1"}

        def read(answer, octets):
            if answer.status == 201:
                id = json.loads(octets)["id"]
                self.history.promised.add(id)
                # Every answer is the same, octet by octet.
                whole = f"{id} (digest {hashlib.sha256(octets).hexdigest()[:8]})"
                return ("accepted", whole, "replayed" if answer.getheader("idempotent-replayed") else "new")
            if answer.status == 409 and code(octets) == 33013:
                return REFUSED
            raise Strange

        operation, _ = self.history.ask(node, (letter,), (node.api, "POST", path, headers, body), read)
        self.operations[name, number].append(operation)
        return operation.output is not None

    def last_questions(self, chance):
        """Every request once more."""
        for number, letter in itertools.product(range(self.newest + 1), "XY"):
            node = chance.choice(self.nodes)
            yield lambda node=node, number=number, letter=letter: self.send(node, number, letter)

    def histories(self):
        for (name, number), operations in self.operations.items():
            if number % 4 == self.WAITING:
                yield f"the idempotency key {name} (with waits)", awaited, (), with_holds(operations)
            else:
                yield f"the idempotency key {name}", idempotency, (), operations


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
