"""Operations of clients as a history has them, and the models that say which of their outputs are right.

A model is a function `step(state, operation)`. It returns the next state, or `None` if the operation cannot have this
output in this state. An operation without an output is of unknown outcome: the model returns the state after its
effect.
"""

import dataclasses

ACCEPTED, REFUSED, READ, REVOKE, USE = ("accepted",), ("refused",), ("read",), ("revoke",), ("use",)


@dataclasses.dataclass(frozen=True)
class Operation:
    """What a client asked, and the answer. Times are in seconds of one clock. Input and output are tuples, and an
    operation of unknown outcome has neither an output nor a time of return."""

    call: float
    returned: float | None
    node: str
    input: tuple
    output: tuple | None

    def __str__(self):
        until = "  (none)" if self.returned is None else f"{self.returned:8.3f}"
        words = lambda values: " ".join(map(str, values))
        answer = "no answer" if self.output is None else words(self.output)
        return f"{self.call:8.3f} to {until}  node {self.node}  {words(self.input)}: {answer}"

    def unknown(self):
        """The same, as if its client had no answer."""
        return dataclasses.replace(self, returned=None, output=None)


def quota(limit):
    """A quota. `send N` is accepted exactly if N more are within the limit. `read` is answered with the use."""

    def step(used, operation):
        kind, *count = operation.input
        if kind == "read":
            return used if operation.output in (None, ("used", used)) else None
        after = used + count[0]
        if operation.output == REFUSED:
            return used if after > limit else None
        return after if after <= limit else None

    return step


def idempotency(record, operation):
    """An idempotency key. The first request that is accepted is put on record, with its answer. The same request has
    the same answer again, marked as a replay, and another request is refused. The record is `()` before the first."""
    body = operation.input
    if operation.output is None:
        return record or (body, None)
    if operation.output == REFUSED:
        return record if record and record[0] != body else None
    _, answer, kind = operation.output
    if not record:
        return (body, answer) if kind == "new" else None
    first, known = record
    return (body, answer) if (body, kind) == (first, "replayed") and known in (None, answer) else None


def awaited(record, operation):
    """An idempotency key whose requests wait for the outcome of what they make, in the history that `with_holds` makes.
    The first one holds the key from its beginning to its end. The same request is refused as well meanwhile, and has
    the answer of the end from then on. The record has the request, the answer, and the holder."""
    kind, *more = operation.input
    if kind == "begin":
        number, body = more
        if record:
            return record if operation.output is None else None
        return (body, None, number)
    if kind == "end":
        number, answer = more
        if not record or record[2] != number:
            return record if operation.output is None else None
        return (record[0], answer, None)
    if operation.output is None:
        return record
    if not record:
        return None
    first, known, holder = record
    if operation.output == REFUSED:
        return record if first != kind or holder else None
    _, answer, how = operation.output
    is_right = (kind, how, holder) == (first, "replayed", None) and known in (None, answer)
    return (first, answer, None) if is_right else None


def with_holds(operations):
    """The history of a key whose requests wait: a request that was accepted as the first one, or may have been, is two
    operations, its beginning and its end."""
    history = []
    for number, one in enumerate(operations, 1):
        if one.output is not None and one.output[-1] != "new":
            history.append(one)
            continue
        answer, output = (one.output[1], ("done",)) if one.output else (None, None)
        history.append(dataclasses.replace(one, input=("begin", number, *one.input), output=output))
        history.append(dataclasses.replace(one, input=("end", number, answer), output=output))
    return history


def revocation(is_revoked, operation):
    """An API key at one node, in the history that `seen_by` makes: it is accepted until its revocation, and then
    refused for good."""
    if operation.input == REVOKE:
        return True
    return is_revoked if operation.output in (None, REFUSED if is_revoked else ACCEPTED) else None


def seen_by(node, operations, known_by):
    """The history of an API key at one node, out of its uses at all nodes and the requests to revoke it.

    At a node that answered such a request it takes effect before the answer. At another node it may take effect up to
    `known_by(node, moment)`, if the revocation was certain at that moment: by an answer, or by a refused use at any
    node. All requests are one operation here, since any of them revokes the key for good."""
    uses = [one for one in operations if one.input == USE and one.node == node]
    revokes = [one for one in operations if one.input == REVOKE]
    certain = [
        one.returned if one.node == node and one.input == REVOKE else known_by(node, one.returned)
        for one in operations
        if one.returned is not None and (one.input == REVOKE or one.output == REFUSED)
    ]
    if revokes:
        output = ("done",) if certain else None
        first = min(one.call for one in revokes)
        uses.append(Operation(first, min(certain, default=None), node, REVOKE, output))
    return uses


def parsed(text):
    """A history written as `call-return node input = output`, separated by `|`. Without a time of return and an output
    the outcome is unknown."""
    words = lambda part: tuple(int(word) if word.isdigit() else word for word in part.split())
    history = []
    for line in text.split("|"):
        question, answer = line.split("=")
        times, node, *asked = question.split()
        call, returned = times.split("-")
        input, output = words(" ".join(asked)), words(answer) or None
        history.append(Operation(float(call), float(returned) if returned else None, node, input, output))
    return history


# Histories that are right, and histories that are not, for each model.
QUOTA_OF_3 = {
    True: [
        "0-1 a send 1 = accepted | 2-3 c send 2 = accepted | 4-5 g send 1 = refused | 6-7 a read = used 3",
        # Of two at once for the last place either may have it.
        "0-1 a send 2 = accepted | 2-9 a send 1 = refused | 3-8 c send 1 = accepted",
        # A large one is refused where a small one still fits.
        "0-1 a send 2 = accepted | 2-3 c send 2 = refused | 4-5 c send 1 = accepted",
        # Without an answer it may have been counted at once, late, or never.
        "0- a send 3 = | 1-2 c send 1 = refused",
        "0- a send 3 = | 1-2 c send 1 = accepted | 3-4 c send 1 = accepted | 5-6 c send 1 = accepted",
        "0- a send 2 = | 1-2 c read = used 0 | 3-4 c read = used 2",
        "0- a send 1 = | 0- c send 1 = | 1-2 g read = used 1 | 3-4 g send 1 = accepted | 5-6 a read = used 3",
        # A read beside an admission sees it, or does not.
        "0-9 a send 1 = accepted | 1-2 c read = used 0 | 3-4 c read = used 1",
        "0-9 a send 1 = accepted | 1-2 c send 1 = accepted | 3-4 g read = used 1",
    ],
    False: [
        # Beyond the limit.
        "0-1 a send 3 = accepted | 2-3 c send 1 = accepted",
        "0-9 a send 2 = accepted | 0-9 c send 2 = accepted",
        "0-9 a send 1 = accepted | 0-9 c send 1 = accepted | 0-9 g send 1 = accepted | 0-9 g send 1 = accepted",
        # A refusal below the limit.
        "0-1 a send 2 = accepted | 2-3 c send 1 = refused",
        "0-1 a send 2 = accepted | 2-3 c send 1 = refused | 4- a send 1 =",
        # What was refused was counted all the same.
        "0-1 a send 2 = accepted | 2-3 c send 2 = refused | 4-5 g send 1 = refused",
        # What was counted before is not seen any more, or is counted twice.
        "0-1 a send 1 = accepted | 2-3 c read = used 0",
        "0-9 a send 1 = accepted | 1-2 c read = used 1 | 3-4 g read = used 0",
        "0-1 a send 1 = accepted | 2-3 c read = used 2",
        "0- a send 1 = | 1-2 c read = used 2",
    ],
}
KEY = {
    True: [
        "0-1 a X = accepted 7 new | 2-3 c X = accepted 7 replayed | 4-5 g Y = refused",
        # Of several at once one is the first.
        "0-9 a X = accepted 7 replayed | 1-8 c X = accepted 7 new | 2-7 g Y = refused",
        # Without an answer it may be on record, or not.
        "0- a X = | 1-2 c X = accepted 7 replayed | 3-4 g X = accepted 7 replayed",
        "0- a X = | 1-2 c Y = accepted 7 new | 3-4 g X = refused",
        "0- a X = | 1-2 c Y = refused | 3-4 g X = accepted 7 replayed",
        "0- a X = | 0- c Y = | 1-2 g Y = accepted 7 replayed",
    ],
    False: [
        # Two ids, or two first ones.
        "0-1 a X = accepted 7 new | 2-3 c X = accepted 8 replayed",
        "0-9 a X = accepted 7 new | 0-9 c X = accepted 8 new",
        "0-9 a X = accepted 7 new | 0-9 c X = accepted 7 new",
        "0- a X = | 1-2 c X = accepted 7 replayed | 3-4 g X = accepted 8 replayed",
        # Another request is accepted, or the same one is refused.
        "0-1 a X = accepted 7 new | 2-3 c Y = accepted 7 replayed",
        "0-1 a X = accepted 7 new | 2-3 c X = refused",
        # There is nothing on record.
        "0-1 a X = refused",
        "0-1 a X = accepted 7 replayed",
        "0-1 a Y = refused | 2- c X =",
        # It is on record no more.
        "0- a X = | 1-2 c X = accepted 7 replayed | 3-4 g Y = accepted 8 new",
    ],
}
# The requests wait.
AWAITED = {
    True: [
        "0-9 a X = accepted 7 new | 2-3 c X = refused | 10-11 g X = accepted 7 replayed",
        # It ends before its own client has the answer.
        "0-9 a X = accepted 7 new | 7-8 c X = accepted 7 replayed | 7-8 g Y = refused",
        # Without an answer it holds the key until its node is taken over.
        "0- a X = | 1-2 c X = refused | 3-4 c X = refused | 9-10 g X = accepted 7 replayed | 11-12 a Y = refused",
        "0- a X = | 0- c X = | 1-2 g X = refused | 3-4 c X = accepted 7 replayed",
    ],
    False: [
        # Refused after the end, or before the beginning.
        "0-5 a X = accepted 7 new | 6-7 c X = refused",
        "0-9 a X = accepted 7 new | 1-2 c X = accepted 7 replayed | 3-4 g X = refused",
        "0-1 c X = refused | 2-9 a X = accepted 7 new",
        # Two answers, or two first ones.
        "0-9 a X = accepted 7 new | 7-8 c X = accepted 8 replayed",
        "0- a X = | 7-8 c X = accepted 7 replayed | 7-8 c X = accepted 8 replayed",
        "0- g X = | 0-9 a X = accepted 7 new | 1-2 c X = accepted 8 replayed",
        "0-9 a X = accepted 7 new | 0-9 c X = accepted 7 new",
    ],
}
# A revocation is known everywhere after 10, and here at once at the node that answered it.
REVOCATION = {
    True: [
        "2-3 a revoke = done | 4-5 a use = refused | 12-13 c use = accepted | 14-15 c use = refused",
        # Beside the request it may count or not; at another node a little longer.
        "2-5 a revoke = done | 3-4 a use = accepted | 3-4 a use = refused | 3-4 c use = refused | 5-6 g use = accepted",
        # Without an answer it may count late, or never.
        "2- a revoke = | 30-31 a use = accepted | 30-31 c use = accepted",
        "2- a revoke = | 30-31 a use = accepted | 32-33 a use = refused | 40-41 c use = accepted",
        "2- a revoke = | 20-21 c revoke = done | 22-23 a use = accepted",
        "2- a revoke = | 4-5 c use = refused | 20-21 c revoke = done",
        "0-1 a use = accepted",
    ],
    False: [
        # Later than 10 after the answer, or at once at the node that answered.
        "2-3 a revoke = done | 14-15 c use = accepted",
        "2-3 a revoke = done | 4-5 a use = accepted",
        "2- a revoke = | 20-21 c revoke = done | 32-33 a use = accepted",
        "2-3 a revoke = done | 4-5 c revoke = done | 6-7 c use = accepted",
        # After a refusal, here or elsewhere.
        "2-9 a revoke = done | 3-4 c use = refused | 5-6 c use = accepted",
        "2- a revoke = | 30-31 a use = refused | 42-43 c use = accepted",
        # Before anybody asked for it.
        "0-1 a use = refused | 2-3 a revoke = done",
        "0-1 c use = refused",
    ],
}
