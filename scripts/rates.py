"""Limits that are asked for at all nodes at once, while what counts them goes away and comes back."""

import base64
import collections
import datetime
import threading
import time

from cluster import Failed
from harness import wait_for

LIMIT = 60
QUOTA = 100

# Requests that one limit is asked for while its counter changes. They come over a second and more, so that some of them
# come before the change and some after it.
ASKED = 200
THREADS = 9

# How often an exact count in Valkey is tried.
TRIES = 5

# After how long a limit of a new account is known at all nodes (the specification of several machines), and some room.
KNOWN_SECS = 1.5

# Nodes look for a Valkey again every 10 seconds.
BACK_WITHIN_SECS = 25


def utc_day():
    """The day whose quota is used now."""
    return datetime.datetime.now(datetime.timezone.utc).date()


class Rates:
    """Accounts with limits of their own, and those who ask for more."""

    def __init__(self, proof):
        self.proof = proof
        self.accounts = 0
        self.back = []
        self.exact, self.changed = collections.Counter(), collections.Counter()
        self.most = self.slow = 0
        self.counted_elsewhere = 0

    def account(self, **limits):
        """A new account. Returns its number and what its client sends as Basic credentials."""
        self.accounts += 1
        number = f"+1800556{self.accounts:04}"
        node = self.proof.nodes[self.accounts % len(self.proof.nodes)]
        limits = {"name": f"rates {self.accounts}", "messagePerMinute": 4_000_000_000, **limits}
        account = node.ask("POST", "/accounts", limits)["id"]
        node.ask("POST", "/numbers", {"number": number, "accountId": account})
        key = node.ask("POST", f"/accounts/{account}/keys", {})
        return number, base64.b64encode(f"{key['keyId']}:{key['keySecret']}".encode()).decode()

    def settle(self):
        """Until every node knows of the accounts."""
        time.sleep(KNOWN_SECS)

    def ask(self, account, times, pause=0.0, until=None):
        """Asks for so many messages at all nodes at once, or until something is so. Returns how often each status came.
        All promises are the clients', so that they are checked with theirs."""
        number, authorization = account
        clients, nodes = self.proof.clients, self.proof.nodes
        statuses, lock = collections.Counter(), threading.Lock()

        def work(seat):
            for index in range(seat, times, THREADS):
                if until and until():
                    return
                text = f"rate {number[1:]} {index}"
                body = {"to": f"+130{self.accounts:04}{index:04}", "from": number, "body": text}
                status = clients.send(nodes[index % len(nodes)], text, body, authorization)
                with lock:
                    statuses[status] += 1
                time.sleep(pause)

        threads = [threading.Thread(target=work, args=(seat,), daemon=True) for seat in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return statuses

    def require_exact(self, what):
        """A limit that is asked for at all nodes at once, while nothing changes, is met exactly."""
        statuses = self.ask(self.limited.pop(), 2 * LIMIT)
        self.exact[what] += 1
        if statuses != {201: LIMIT, 429: LIMIT}:
            raise Failed(f"a limit of {LIMIT} {what}: {dict(statuses)}")

    def require_exact_in_valkey(self, what):
        """The same, while Valkey counts. On a busy machine a count may take it more than its 50 ms: PostgreSQL
        counts then, which is a change like any other, and the limit of another account is asked for."""
        for _ in range(TRIES):
            wait_for("Valkey to count", self.is_steady, BACK_WITHIN_SECS)
            before, account = self.fallbacks(), self.limited.pop()
            statuses = self.ask(account, 2 * LIMIT)
            if self.fallbacks() == before:
                self.exact[what] += 1
                if statuses != {201: LIMIT, 429: LIMIT}:
                    raise Failed(f"a limit of {LIMIT} {what}: {dict(statuses)}")
                return
            self.slow += 1
            if statuses[201] > 2 * LIMIT or set(statuses) - {201, 429}:
                raise Failed(f"a limit of {LIMIT} while Valkey is slow: {dict(statuses)}")
            self.limited.append(self.account(messagePerMinute=LIMIT))
            self.settle()
        raise Failed(f"Valkey was too slow {TRIES} times: this machine is too busy")

    def require_within(self, what, change, until=None):
        """A limit that is asked for while its counter changes is passed by no more than itself."""
        account, results = self.limited.pop(), []
        times, pause = (10_000, 0.4) if until else (ASKED, 0.05)
        asking = threading.Thread(target=lambda: results.append(self.ask(account, times, pause, until)), daemon=True)
        asking.start()
        time.sleep(0.15)
        change()
        asking.join()
        statuses = results[0]
        self.changed[what] += 1
        self.most = max(self.most, statuses[201])
        enough = min(LIMIT, sum(statuses.values()))
        if set(statuses) - {201, 429} or not enough <= statuses[201] <= 2 * LIMIT:
            raise Failed(f"a limit of {LIMIT} {what}: {dict(statuses)}")

    def require_quota(self, account, what, change):
        """A daily quota that is asked for at all nodes at once, while something changes, is met exactly. At midnight
        (UTC) it begins anew: if midnight passes meanwhile, the quota of another account is asked for after the
        change."""
        statuses, day = [], utc_day()
        asking = threading.Thread(target=lambda: statuses.append(self.ask(account, 3 * QUOTA)), daemon=True)
        asking.start()
        change()
        asking.join()
        if utc_day() != day:
            account = self.account(dailyQuota=QUOTA)
            self.settle()
            return self.require_quota(account, f"after midnight, {what}", lambda: None)
        if statuses[0] != {201: QUOTA, 429: 2 * QUOTA}:
            raise Failed(f"a quota of {QUOTA} {what}: {dict(statuses[0])}")

    def round(self, leave, come_back, empty):
        """Valkey goes away and comes back, and loses its data at last."""
        self.limited = [self.account(messagePerMinute=LIMIT) for _ in range(7)]
        metered = self.account(dailyQuota=QUOTA)
        self.settle()
        self.require_exact_in_valkey("while Valkey counts")
        elsewhere = self.fallbacks()
        what = "while Valkey goes away"
        self.require_quota(metered, what, lambda: self.require_within(what, leave))
        self.require_exact("while PostgreSQL counts")
        self.counted_elsewhere += self.fallbacks() - elsewhere
        if self.fallbacks() == elsewhere:
            raise Failed("no metric says that PostgreSQL counted")
        self.require_return(come_back)
        self.require_exact_in_valkey("when Valkey is back")
        self.require_within("while Valkey is emptied", empty)
        self.require_exact_in_valkey("after Valkey was emptied")

    def require_return(self, come_back):
        """Nodes find a Valkey that is back by themselves."""
        is_back = threading.Event()

        def change():
            came_back = time.monotonic()
            come_back()
            wait_for("Valkey to count again", self.is_steady, BACK_WITHIN_SECS)
            self.back.append(time.monotonic() - came_back)
            is_back.set()

        self.require_within("while Valkey comes back", change, until=is_back.is_set)

    def is_steady(self):
        """Whether PostgreSQL counts nothing, while there is something to count."""
        before, accepted = self.fallbacks(), self.proof.clients.statuses[201]
        wait_for("requests", lambda: self.proof.clients.statuses[201] > accepted + 12, 30)
        return self.fallbacks() == before

    def fallbacks(self):
        return sum(node.fallbacks() for node in self.proof.nodes)

    def summary(self):
        exact = ", ".join(f"{times} {what}" for what, times in self.exact.items())
        changed = ", ".join(f"{times} {what}" for what, times in self.changed.items())
        return (
            f"limits of {LIMIT} met exactly: {exact}; with up to {self.most} accepted: {changed}; "
            f"PostgreSQL counted {self.counted_elsewhere} requests meanwhile; Valkey was slow {self.slow} times"
        )
