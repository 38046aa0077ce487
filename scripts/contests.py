"""Things that clients of several nodes contend for, with the operations on them, for a history (`history.py`): here
accounts with places in a quota; in `contested_keys.py` idempotency keys and API keys."""

import base64
import collections
import datetime
import itertools
import json

from models import ACCEPTED, READ, REFUSED, quota

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
