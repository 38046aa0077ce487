#!/usr/bin/env python3
"""Judges whether a history of concurrent operations is linearizable: scripts/linear.py --self-test

A history has the operations of several clients on one object: when each was called, when it was answered, its input and
its output. It is linearizable if there is an order of the operations, one after another, in which every output is right
and no operation comes before one that was answered before its call. An operation without an answer is of unknown
outcome: it takes effect at any time after its call, or never.

The models of a quota, an idempotency key and the revocation of an API key are in `models.py`.

The search is the one of Wing and Gong with Lowe's memory of visited states. It ends with `Undecided` after `STATES_MAX`
states: a history that is too hard never passes.
"""

import collections
import itertools
import math
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from models import (  # noqa: E402
    ACCEPTED, AWAITED, KEY, QUOTA_OF_3, READ, REFUSED, REVOCATION, Operation, awaited, idempotency, parsed, quota,
    revocation, seen_by, with_holds,
)

STATES_MAX = 1_000_000

# Outputs of operations that changed nothing.
WITHOUT_EFFECT = ("refused", "used")


class Undecided(Exception):
    """The search came to its bound before it had an answer."""


def is_linearizable(step, start, history, states_max=STATES_MAX):
    """Whether the history is linearizable.

    Raises:
        Undecided: after so many states."""
    known = sorted((one for one in history if one.returned is not None), key=lambda one: one.call)
    unknown = collections.defaultdict(list)
    for one in sorted((one for one in history if one.returned is None), key=lambda one: one.call):
        unknown[one.input].append(one)
    classes = list(unknown.values())
    everything = (1 << len(known)) - 1
    # The answered operations that are in the order so far, as a set of bits; how many of each class of unknown ones
    # are; and the state that they lead to.
    first = (0, (0,) * len(classes), start)
    seen, stack = {first}, [first]
    while stack:
        done, taken, state = stack.pop()
        if done == everything:
            return True
        candidates, horizon = callable_now(known, done)
        following = []
        for at in candidates:
            following.append((done | 1 << at, taken, step(state, known[at])))
        for number, alike in enumerate(classes):
            if taken[number] < len(alike) and alike[taken[number]].call <= horizon:
                after = step(state, alike[taken[number]])
                if after != state:
                    more = (*taken[:number], taken[number] + 1, *taken[number + 1 :])
                    following.append((done, more, after))
        # The last one is tried first: an answered operation rather than an unknown one.
        for one in reversed(following):
            if one[2] is not None and one not in seen:
                seen.add(one)
                stack.append(one)
        if len(seen) > states_max:
            raise Undecided(f"more than {states_max} states for {len(history)} operations")
    return False


def callable_now(known, done):
    """Which answered operations may come next: those that were called before any of those left was answered. Returns
    also the time until which one may have been called. Of operations that are alike only the one is tried that was
    answered first: in an order with another of them in front, the two can change places."""
    horizon, left = math.inf, []
    for at in range((~done & done + 1).bit_length() - 1, len(known)):
        if known[at].call > horizon:
            break
        if not done >> at & 1:
            horizon = min(horizon, known[at].returned)
            left.append(at)
    best = {}
    for at in left:
        kind = (known[at].input, known[at].output)
        if kind not in best or known[at].returned < known[best[kind]].returned:
            best[kind] = at
    return sorted(best.values(), key=lambda at: known[at].returned), horizon


def contradiction(step, start, history):
    """Operations of a history that is not linearizable which contradict each other: the history up to the answer with
    which it became wrong, without the operations whose outcome makes no difference. Returns them, and how many others
    may have taken effect before."""

    def is_wrong(operations):
        try:
            return not is_linearizable(step, start, operations)
        except Undecided:
            return False

    until = lambda end: [
        one if one.returned is not None and one.returned <= end else one.unknown()
        for one in history
        if one.call <= end
    ]
    ends = sorted(one.returned for one in history if one.returned is not None)
    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_wrong(until(ends[middle])) else (middle + 1, high)
    operations = sorted(until(ends[low]), key=lambda one: (one.call, one.node))
    # Which of them may be unknown, or missing if they changed nothing, and all the same nothing is right.
    weak = [None if one.output and one.output[0] in WITHOUT_EFFECT else one.unknown() for one in operations]
    kept = list(operations)
    chunks = collections.deque([range(len(operations))])
    while chunks:
        chunk = chunks.popleft()
        tried = [weak[at] if at in chunk else one for at, one in enumerate(kept)]
        if is_wrong([one for one in tried if one]):
            kept = tried
        elif len(chunk) > 1:
            half = len(chunk) // 2
            chunks.extend((chunk[:half], chunk[half:]))
    is_needed = [one is before and one.output is not None for one, before in zip(kept, operations)]
    shown = [one for one, needed in zip(kept, is_needed) if needed]
    return shown, [before for one, before, needed in zip(kept, operations, is_needed) if one and not needed]


def cases():
    """Every case: its text, whether it is right, the model, the first state, and the history."""
    for is_right, texts in QUOTA_OF_3.items():
        yield from ((text, is_right, quota(3), 0, parsed(text)) for text in texts)
    for is_right, texts in KEY.items():
        yield from ((text, is_right, idempotency, (), parsed(text)) for text in texts)
    for is_right, texts in AWAITED.items():
        yield from ((text, is_right, awaited, (), with_holds(parsed(text))) for text in texts)
    for is_right, texts in REVOCATION.items():
        for text in texts:
            history = parsed(text)
            seen = [seen_by(node, history, lambda _, moment: moment + 10) for node in "acg"]
            if is_right:
                yield from ((text, True, revocation, False, one) for one in seen)
            else:
                # One of the nodes is wrong, and it stands for the case.
                wrong = [one for one in seen if not is_linearizable(revocation, False, one)]
                yield (text, False, revocation, False, (wrong or seen)[0])


def by_trying_all(step, start, history):
    """Whether a history is linearizable, by trying all orders of all its operations that may have taken effect."""
    unknown = [one for one in history if one.returned is None]
    known = [one for one in history if one.returned is not None]
    for size in range(len(unknown) + 1):
        for some in itertools.combinations(unknown, size):
            for order in itertools.permutations((*known, *some)):
                ends = [math.inf if one.returned is None else one.returned for one in order]
                if any(min(ends[at:]) < one.call for at, one in enumerate(order)):
                    continue
                state = start
                for one in order:
                    state = step(state, one) if state is not None else None
                if state is not None:
                    return True
    return False


def random_history(chance):
    """Five operations on a quota of 3, right or wrong."""
    history = []
    for _ in range(5):
        call = chance.randrange(8)
        asked = chance.choice([("send", 1), ("send", 2), READ])
        outputs = [("used", chance.randrange(4))] if asked == READ else [ACCEPTED, REFUSED]
        if asked != READ and chance.random() < 0.3:
            history.append(Operation(call, None, "a", asked, None))
        else:
            history.append(Operation(call, call + chance.randrange(5), "a", asked, chance.choice(outputs)))
    return history


def self_test():
    wrong = []
    for text, is_right, step, start, history in cases():
        if is_linearizable(step, start, history) != is_right:
            wrong.append(f"{'refused' if is_right else 'passed'}: {text}")
        elif not is_right and not contradiction(step, start, history)[0]:
            wrong.append(f"no contradiction shown: {text}")
    chance, verdicts = random.Random(1), collections.Counter()
    for _ in range(300):
        history = random_history(chance)
        verdict = is_linearizable(quota(3), 0, history)
        verdicts[verdict] += 1
        if verdict != by_trying_all(quota(3), 0, history):
            wrong.append("unlike all orders tried: " + " | ".join(map(str, history)))
    if min(verdicts[True], verdicts[False]) < 30:
        wrong.append(f"the random histories are nearly all alike: {verdicts}")
    # Of two ids for one key among many others, the two are shown and nothing else.
    many = parsed(" | ".join(f"{at}-{at + 3} a X = accepted 7 replayed" for at in range(1, 40)))
    two = parsed("0-2 c X = accepted 7 new | 20-25 g X = accepted 8 replayed")
    shown, others = contradiction(idempotency, (), many + two)
    if len(shown) != 2 or two[1] not in shown or len(others) > 25:
        wrong.append(f"not the contradiction: {[str(one) for one in shown]}")
    # A search that is not finished has no verdict.
    try:
        is_linearizable(quota(3), 0, parsed(QUOTA_OF_3[False][2]), states_max=3)
        wrong.append("a search beyond its bound has a verdict")
    except Undecided:
        pass
    if wrong:
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    if sys.argv[1:] != ["--self-test"]:
        raise SystemExit(__doc__)
    self_test()
