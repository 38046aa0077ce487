"""A history of what several nodes answer to clients that ask all of them at once, and the verdict on it. The things
that the clients contend for are in `contests.py`; what is right of them is in `models.py`."""

import collections
import concurrent.futures
import http.client
import json
import random
import threading
import time
import traceback

from cluster import Failed
from contested_keys import Keys, Revocations, Waits
from contests import Quotas, Strange, Unasked
from harness import wait_for
from linear import Undecided, contradiction, is_linearizable
from models import READ, Operation

# How long a client waits for an answer. A node that stood still may do all the same what it was asked before.
PATIENCE_SECS = 2

# How long a node that runs may accept a key after its revocation (the specification of several machines), and some
# room.
REVOKED_SECS = 1.5

# After how long every node knows of new accounts and keys (likewise).
KNOWN_SECS = 1.5

# A client's wait after an operation, and after one without an answer.
PAUSE_SECS, NO_ANSWER_PAUSE_SECS = 0.01, 0.1

# Clients of each contest at each node.
CLIENTS = 2

# How many operations of a contradiction are printed, and how many others.
SHOWN_MAX, OTHERS_MAX = 20, 6


def exchange(port, method, path, headers, body, patience=PATIENCE_SECS):
    """Asks once, on a connection of its own. Returns the answer and its octets, or `None` without a whole answer.

    Raises:
        Unasked: where there is no connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.connect()
    except OSError as error:
        raise Unasked from error
    try:
        connection.request(method, path, body and json.dumps(body), headers)
        answer = connection.getresponse()
        return answer, answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class History:
    """One round: the contests, their clients, and the periods in which nodes stood still."""

    def __init__(self, nodes, seed):
        self.nodes, self.began = nodes, time.monotonic()
        # Periods in which a node stood still or the database was away, by the name of the node.
        self.still = {node.name: [] for node in nodes}
        # How many answers each node gave.
        self.answers = dict.fromkeys(self.still, 0)
        self.promised, self.strange = set(), []
        chance = random.Random(seed)
        self.contests = [contest(self, nodes, chance) for contest in (Quotas, Keys, Waits, Revocations)]
        self.chances = random.Random(seed + 1)
        self.stopped, self.threads = threading.Event(), []
        time.sleep(KNOWN_SECS)

    def now(self):
        """The time of the history, in seconds."""
        return time.monotonic() - self.began

    def ask(self, node, asked, question, read):
        """Has an operation done, and returns it with the answer. `question` has what `exchange` is to be given; `read`
        reads the output from the answer. An error of the server leaves the outcome unknown.

        Raises:
            Unasked: where there is no connection."""
        call = self.now()
        answer = exchange(*question)
        returned, output = self.now(), None
        if answer and answer[0].status not in (500, 503):
            try:
                output = read(*answer)
            except (Strange, ValueError, KeyError) as error:
                self.strange.append(f"node {node.name}: {answer[0].status} {answer[1][:200]} for {asked}: {error!r}")
        self.answers[node.name] += output is not None
        return Operation(call, None if output is None else returned, node.name, asked, output), answer

    def start(self):
        """Starts the clients."""
        for contest in self.contests:
            for node in self.nodes * CLIENTS:
                work = lambda node=node, play=contest.play, seed=self.chances.random(): self.work(node, play, seed)
                self.threads.append(threading.Thread(target=work, daemon=True))
        for contest in self.contests:
            self.threads.append(threading.Thread(target=contest.go_on, args=(self.stopped,), daemon=True))
        for thread in self.threads:
            thread.start()

    def work(self, node, play, seed):
        chance = random.Random(seed)
        while not self.stopped.is_set():
            try:
                is_answered = play(node, chance)
            except Unasked:
                is_answered = False
            except Exception:
                # A client that ends must not go unnoticed.
                self.strange.append(traceback.format_exc())
                return
            self.stopped.wait(PAUSE_SECS if is_answered else NO_ANSWER_PAUSE_SECS)

    def wait_for_all(self, more=8):
        """Until every node has given so many more answers. Returns how long that took, in seconds."""
        began, before = self.now(), dict(self.answers)
        enough = lambda: all(self.answers[name] >= count + more for name, count in before.items())
        wait_for("answers of every node", enough, 60)
        return self.now() - began

    def end(self):
        """Stops the clients, and asks everything once more, so that nothing is left without an answer."""
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        with concurrent.futures.ThreadPoolExecutor(2 * len(self.nodes)) as pool:
            questions = [question for contest in self.contests for question in contest.last_questions(self.chances)]
            list(pool.map(until_answered, questions))

    def known_by(self, node, moment):
        """Until when a node must know at the latest of a change that was certain at that moment. Time does not count in
        which it stood still or could not ask the database."""
        until = moment + REVOKED_SECS
        for began, ended in sorted(self.still[node]):
            if began < until and ended > moment:
                until += ended - max(began, moment)
        return until

    def judge(self):
        """Checks every history. Returns what was found, as sentences."""
        found = [f"a client did not understand its answer: {strange}" for strange in self.strange[:5]]
        for contest in self.contests:
            for name, step, start, operations in contest.histories():
                try:
                    if is_linearizable(step, start, operations):
                        continue
                except Undecided as error:
                    found.append(f"{name}: not decided, {error}")
                    continue
                shown, others = contradiction(step, start, operations)
                lines = [
                    f"{name} is not linearizable ({len(operations)} operations). These contradict each other, whatever "
                    f"became of {len(others)} others:",
                    *last_lines(shown, SHOWN_MAX),
                    "The others:" if others else "",
                    *last_lines(others, OTHERS_MAX),
                ]
                found.append("\n  ".join(lines))
        return found


def last_lines(operations, most):
    """The last operations as lines."""
    left_out = len(operations) - most
    return [*([f"{left_out} earlier ones, and"] if left_out > 0 else []), *map(str, operations[-most:])]


def until_answered(ask, seconds=30):
    """Asks until there is an answer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if ask():
                return
        except Unasked:
            pass
        time.sleep(NO_ANSWER_PAUSE_SECS)
    raise Failed(f"there was no answer within {seconds} s")


# What clients of each contest must have been answered at some time: a history without it shows little.
EXPECTED = {
    "Quotas": {"accepted", "refused", "used"},
    "Keys": {"new", "replayed", "refused"},
    "Waits": {"new", "replayed", "refused"},
    "Revocations": {"accepted", "refused", "done"},
}


class Totals:
    """What all rounds have shown."""

    def __init__(self):
        self.operations = self.unknown = self.objects = self.largest = 0
        self.ran = self.stood = 0.0
        self.promised = set()
        # The last words of outputs, by the contest.
        self.outputs = collections.defaultdict(set)

    def add(self, history):
        for contest in history.contests:
            for operations in contest.operations.values():
                self.objects += 1
                self.operations += len(operations)
                self.largest = max(self.largest, len(operations))
                self.unknown += sum(one.output is None for one in operations)
                words = {"used" if one.input == READ else one.output[-1] for one in operations if one.output}
                self.outputs[type(contest).__name__] |= words
        ran, stood = history.contests[-1].latest()
        self.ran, self.stood = max(self.ran, ran), max(self.stood, stood)
        self.promised |= history.promised

    def lacks(self):
        """What no client was answered, of what they must have been."""
        lacking = {name: expected - self.outputs[name] for name, expected in EXPECTED.items()}
        return {name: words for name, words in lacking.items() if words}

    def __str__(self):
        return (
            f"{self.operations} operations on {self.objects} objects, {self.largest} on one at most; {self.unknown} of "
            f"unknown outcome; a revoked key was accepted for up to {self.ran:.2f} s, and up to {self.stood:.2f} s "
            f"after its revocation at a node that stood still or had no database meanwhile"
        )
