"""What the proof of several nodes is made of: nodes on one PostgreSQL, clients that keep what they are promised, the
check of it, and the table of what was seen."""

import collections
import dataclasses
import http.client
import json
import os
import random
import statistics
import subprocess
import threading
import time
import uuid

import harness
from harness import NUMBER, Process, Server, Smsc, wait_for
from postgres import Pair

# With these names each node has one of the carriers.
NODES = ("a", "c", "g")
WINDOW = 50
CLIENTS = 6
CARRIERS = 3

# How long a request may take that is refused because the store does not answer, with some room for a busy machine.
REFUSED_WITHIN_SECS = 10

# Requests without a promise that are made again at the end, beside all those whose commit nobody knew of.
REPEATED_MAX = 60

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def shown_id(prefix, value):
    """An id as the API shows it, of the UUID that the database has."""
    number, digits = uuid.UUID(value).int, ""
    while len(digits) < 22:
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return prefix + digits


def no_more(_):
    """Nothing beside what every node has in its configuration."""
    return ""


@dataclasses.dataclass
class Shared:
    """What all nodes have in their configuration beside the database."""

    redis: str = ""
    # Lines of the section of limits.
    limits: str = ""
    # The section of media; a directory that all nodes have, when empty.
    media: str = ""
    # Carriers and their routes before the usual ones, by the name of the node.
    more: object = no_more


class Node(Server):
    """A node: a server whose store is PostgreSQL, with several carriers, all of them the same SMSC."""

    def __init__(self, name, binary, directory, url, smsc, shared, host="127.0.0.1"):
        home = os.path.join(directory, name)
        os.makedirs(home)
        settings = f'{shared.limits}[cluster]\nnode = "{name}"\nredis = "{shared.redis}"\n'
        settings += shared.media or f'[media]\ndirectory = "{directory}/media"\n'
        super().__init__(binary, home, smsc.port, WINDOW, settings)
        self.name = name
        with open(self.config) as file:
            text = file.read()
        text = text.replace(f'url = "sqlite:{home}/smsfactory.db"', f'url = "{url}"')
        text = text.replace('host = "127.0.0.1"', f'host = "{host}"') + shared.more(name)
        for extra in range(1, CARRIERS):
            text += f"""
[[carrier]]
name = "extra{extra}"
host = "{host}"
port = {smsc.port}
system_id = "harness{extra}"
window = {WINDOW}
reconnect_floor_ms = 100
reconnect_ceiling_ms = 500
[[route]]
prefix = "+12{extra}"
carriers = ["extra{extra}"]
"""
        text += '[[route]]\nprefix = ""\ncarriers = ["main"]\n'
        with open(self.config, "w") as file:
            file.write(text)

    def is_up(self):
        return self.process is not None and self.process.is_running()

    def fallbacks(self):
        """How many counts of rate windows Valkey did not answer."""
        with harness.urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return next(int(line.split()[-1]) for line in lines if line.startswith("smsfactory_windows_fallback_total"))


class Cable:
    """A network namespace for a node, and the cable that leads there."""

    def __init__(self):
        self.name = f"smsfactory-{os.getpid()}"
        self.near, self.far = "10.77.0.1", "10.77.0.2"
        self.link = f"sf{os.getpid()}"[:15]
        run = lambda *command: subprocess.run(["ip", *command], check=True, capture_output=True)
        run("netns", "add", self.name)
        run("link", "add", self.link, "type", "veth", "peer", "name", "far", "netns", self.name)
        run("addr", "add", f"{self.near}/30", "dev", self.link)
        run("link", "set", self.link, "up")
        run("-n", self.name, "addr", "add", f"{self.far}/30", "dev", "far")
        run("-n", self.name, "link", "set", "far", "up")
        run("-n", self.name, "link", "set", "lo", "up")
        self.run = run

    def pull_out(self):
        self.run("link", "set", self.link, "down")

    def plug_in(self):
        self.run("link", "set", self.link, "up")

    def remove(self):
        self.run("netns", "del", self.name)


class FarNode(Node):
    """A node at the other end of a cable."""

    def __init__(self, cable, *arguments):
        super().__init__(*arguments, host=cable.near)
        self.cable = cable

    def start(self, seconds=120):
        environment = dict(os.environ, SMSFACTORY_ADMIN_TOKEN=harness.TOKEN, SMSFACTORY_KEYS_PEPPER="pepper" * 8)
        command = ["ip", "netns", "exec", self.cable.name, self.binary, "serve", "--config", self.config]
        with open(self.log, "ab") as log:
            self.process = Process(*command, env=environment, stderr=log)


def text_message(number):
    """A text that is like no other, by one carrier or another."""
    prefix = f"+12{number % CARRIERS}" if number % CARRIERS else "+130"
    return f"text {number}", {"to": f"{prefix}{number:08}", "from": NUMBER, "body": f"text {number}"}


class Clients:
    """Clients that send messages, each of which is like no other, to whichever node answers; each under a key of its
    own, and most of them twice. They keep what they are promised."""

    running = []

    def __init__(self, nodes, authorization, message=text_message, clients=CLIENTS):
        self.nodes, self.authorization, self.message, self.clients = nodes, authorization, message, clients
        self.asked, self.promises = {}, {}
        self.strays = []
        self.statuses = collections.Counter()
        self.without_retry_after = 0
        self.broken = 0
        self.slowest = 0.0
        self.lock = threading.Lock()
        self.next = 0
        self.stopped = threading.Event()
        self.threads = []

    def start(self):
        self.stopped.clear()
        self.threads = [threading.Thread(target=self.work, args=(n,), daemon=True) for n in range(self.clients)]
        for thread in self.threads:
            thread.start()
        Clients.running.append(self)

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        Clients.running.remove(self)

    @classmethod
    def stop_all(cls):
        for clients in list(cls.running):
            clients.stop()

    def work(self, seed):
        chance = random.Random(seed)
        while not self.stopped.is_set():
            with self.lock:
                self.next += 1
                number = self.next
            text, body = self.message(number)
            body["idempotencyKey"] = "key-" + text.replace(" ", "-")
            self.asked[text] = body
            for _ in range(chance.choice((1, 2, 2))):
                if self.send(chance.choice(self.nodes), text, body) != 201:
                    self.stopped.wait(0.02)

    def is_known(self, node):
        """Whether a node knows the account."""
        connection = http.client.HTTPConnection("127.0.0.1", node.api, timeout=60)
        headers = {"authorization": f"Basic {self.authorization}"}
        connection.request("GET", "/api/v1/messaging/message?limit=1", headers=headers)
        return connection.getresponse().status == 200

    def send(self, node, text, body, authorization=None):
        """Asks once. Returns the status, and nothing where there is no answer: that is no promise."""
        headers = {"authorization": f"Basic {authorization or self.authorization}", "content-type": "application/json"}
        began = time.monotonic()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", node.api, timeout=60)
            connection.request("POST", "/api/v1/messaging/message", json.dumps(body), headers)
            answer = connection.getresponse()
            answered = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            with self.lock:
                self.broken += 1
            return None
        took = time.monotonic() - began
        with self.lock:
            self.statuses[answer.status] += 1
            if answer.status == 503:
                self.slowest = max(self.slowest, took)
                self.without_retry_after += answer.getheader("retry-after") is None
            if answer.status == 201 and self.promises.setdefault(text, answered["id"]) != answered["id"]:
                self.strays.append((text, answered["id"], self.promises[text]))
        return answer.status


class SmscLog:
    """The log of an SMSC, read as far as it is written."""

    def __init__(self, path):
        self.path = path
        self.read = 0
        self.times = collections.Counter()
        self.recipients = []

    def look(self):
        """How often the SMSC took each text so far."""
        with open(self.path) as log:
            log.seek(self.read)
            for line in iter(log.readline, ""):
                if not line.endswith("\n"):
                    break
                self.read += len(line.encode())
                event = json.loads(line)
                if event["event"] == "submit_sm" and event["status"] == "ESME_ROK":
                    self.times[event["text"]] += 1
                    self.recipients.append(event["destination"])
        return self.times

    def taken_for(self, prefix):
        """How many messages it took so far to numbers that begin so."""
        self.look()
        return sum(recipient.startswith(prefix) for recipient in self.recipients)


@dataclasses.dataclass
class Figures:
    """What one part has shown."""

    part: str
    rounds: int
    promised: int = 0
    seen: int = 0
    lost: int = 0
    again: int = 0
    unmarked: int = 0
    # Requests without a 201 whose commit had happened; in the part `history`, operations of unknown outcome.
    unknown: int = 0
    slowest_503: float = 0.0
    # How long it took until messages left, or were accepted, again.
    back: list = dataclasses.field(default_factory=list)
    verdict: str = "kept"

    HEAD = ("part", "rounds", "promised", "seen", "lost", "again", "unmarked", "unknown", "503 s", "back s", "verdict")

    def back_again(self):
        """The median and the longest time until messages left or were accepted again, in seconds."""
        return f"{statistics.median(self.back):.1f} / {max(self.back):.1f}" if self.back else "-"

    def row(self):
        counts = (self.promised, self.seen, self.lost, self.again, self.unmarked, self.unknown)
        return (self.part, self.rounds, *counts, f"{self.slowest_503:.1f}", self.back_again(), self.verdict)


def print_table(all_figures):
    """One row for each part. `again` counts what the SMSC had more than once; `unmarked`, those of them that the nodes
    do not know of; `unknown`, commits whose answer was no 201 (in `history`, all operations of unknown outcome);
    `503 s`, the slowest refusal; `back s`, the median and the longest time until messages left again, or were accepted
    again."""
    rows = [Figures.HEAD, *(tuple(map(str, figures.row())) for figures in all_figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(Figures.HEAD))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip(), flush=True)


class Failed(Exception):
    """Something promised was not kept."""


class Proof:
    """Three nodes, an SMSC whose log outlives everything, clients, and the check at the end."""

    def __init__(self, figures, binary, work, cable=None, shared=None):
        self.figures, self.name = figures, figures.part
        self.directory = os.path.join(work, self.name)
        os.makedirs(self.directory)
        shared = shared or Shared()
        log = os.path.join(self.directory, "smsc.jsonl")
        delays = ("--response-delay-ms", "0..5", "--receipt-delay-ms", "0..50")
        host = cable.near if cable else "127.0.0.1"
        self.smsc = Smsc(binary, "--log", log, "--log-text", *delays, listen=host)
        self.log = SmscLog(log)
        self.database = Pair(self.directory, listen=f"127.0.0.1,{host}" if cable else host)
        url = self.database.url(host)
        near = NODES[:-1] if cable else NODES
        self.nodes = [Node(name, binary, self.directory, url, self.smsc, shared, host) for name in near]
        if cable:
            self.nodes.append(FarNode(cable, NODES[-1], binary, self.directory, url, self.smsc, shared))
        self.frozen = None
        for node in self.nodes:
            node.start()
        self.clients = Clients(self.nodes[: len(near)], self.nodes[0].account())
        wait_for("a node for each carrier", self.has_all_carriers, 30)
        wait_for("the account at every node", lambda: all(map(self.clients.is_known, self.clients.nodes)), 10)

    def any(self):
        """A node that answers."""
        return next(node for node in self.nodes if node.is_up() and node is not self.frozen)

    def holders(self):
        """Which living node has which carrier, as one that answers says."""
        listed = self.any().ask("GET", "/nodes")["data"]
        return {
            carrier: node["name"]
            for node in listed
            if node["state"] != "over"
            for carrier in node["carriers"]
            if not carrier.startswith("@")
        }

    def has_all_carriers(self):
        return len(self.holders()) >= CARRIERS

    def holder(self, carrier):
        """The node that has a carrier. One that moves has none for a moment."""
        name = wait_for(f"a node for {carrier}", lambda: self.holders().get(carrier), 30)
        return next(node for node in self.nodes if node.name == name)

    def queued(self):
        return sum(carrier["queued"] for carrier in self.any().ask("GET", "/carriers")["data"])

    def quietly(self, question):
        """What a question answers; `None` where nobody answers now."""
        try:
            return question()
        except (OSError, StopIteration, ValueError):
            return None

    def wait_for_take_over(self, victim, since, within):
        """Waits until texts of the carrier `main` leave from another node, and notes how long that took."""
        taken = lambda: self.quietly(lambda: self.holders().get("main") not in (None, victim.name))
        wait_for("the take-over", taken, within)
        before = self.log.taken_for("130")
        wait_for("texts that leave from another node", lambda: self.log.taken_for("130") > before, within)
        self.figures.back.append(time.monotonic() - since)

    def wait_for_promises(self, since, within=60):
        """Waits until messages are accepted, and notes how long that took."""
        before = len(self.clients.promises)
        wait_for("new promises", lambda: len(self.clients.promises) > before, within)
        self.figures.back.append(time.monotonic() - since)
        wait_for("more promises", lambda: len(self.clients.promises) > before + 20, within)

    def bodies(self):
        """How many messages the database has with each text."""
        text = "SELECT coalesce(json_object_agg(body, times), '{}') FROM (SELECT body, count(*) AS times FROM messages \
            WHERE body IS NOT NULL GROUP BY body) AS bodies"
        return collections.Counter(json.loads(self.database.primary.sql(text, "smsfactory")))

    def ask_again(self, clients):
        """Makes requests again that got no 201, under their keys: all those that are in the database all the same, and
        some of the others. Each gets its 201 now. Returns how many of them the database had."""
        bodies = self.bodies()
        refused = [text for text in clients.asked if text not in clients.promises]
        unknown = [text for text in refused if bodies[text]]
        others = [text for text in refused if not bodies[text]]
        for text in unknown + random.sample(others, min(REPEATED_MAX, len(others))):
            accepted = lambda: clients.send(random.choice(self.nodes), text, clients.asked[text]) == 201
            wait_for("a promise for what is asked again", accepted, 30)
        return len(unknown)

    def check(self, marked_at_most, refused_within=REFUSED_WITHIN_SECS):
        """Waits until everything promised has arrived at the SMSC, and compares.

        Raises:
            Failed: with what is wrong."""
        unknown = self.ask_again(self.clients)
        promises = self.clients.promises
        wait_for("the end of the queue", lambda: self.quietly(self.queued) == 0, 240)
        message = lambda text: self.any().ask("GET", f"/messages/{promises[text]}")
        sample = random.sample(list(promises), min(30, len(promises)))
        wait_for("the last receipts", lambda: all(message(text)["status"] == "delivered" for text in sample), 120)
        seen = self.log.look()
        lost = [text for text in promises if not seen[text]]
        twice = [text for text, times in seen.items() if times > 1]
        unmarked = [text for text in twice if text in promises and message(text)["unknownOutcomes"] == 0]
        again = sum(seen[text] - 1 for text in twice)
        doubled = [text for text, times in self.bodies().items() if times > 1]
        figures = self.figures
        figures.promised, figures.seen = len(promises), sum(1 for text in promises if seen[text])
        figures.lost, figures.again, figures.unmarked = len(lost), again, len(unmarked)
        figures.unknown, figures.slowest_503 = unknown, self.clients.slowest
        strays = self.clients.strays
        print(
            f"{self.name}: {len(promises)} promised, {len(lost)} lost, {again} sent again (at most {marked_at_most} "
            f"may be), {len(unmarked)} of them unmarked, {len(strays) + len(doubled)} keys with two messages, "
            f"{unknown} commits of unknown outcome; slowest 503 after {self.clients.slowest:.1f} s, "
            f"back after {figures.back_again()} s",
            flush=True,
        )
        is_late = self.clients.slowest > refused_within
        hasty = self.clients.without_retry_after
        if lost or unmarked or strays or doubled or again > marked_at_most or not promises or is_late or hasty:
            raise Failed(
                f"lost {lost[:5]}, unmarked {unmarked[:5]}, strays {strays[:3]}, two messages {doubled[:5]}, {hasty} "
                f"503 without Retry-After; see {self.directory}"
            )

    def end(self):
        for node in self.nodes:
            if node.is_up():
                node.process.stop()
        self.smsc.stop()
        self.database.stop()
