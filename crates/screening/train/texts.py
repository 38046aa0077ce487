"""Labelled texts: reading, splitting, augmenting.

A row is a dict as `prepare` (an example of the crate) writes it: `text`, `label`, `source`, `prepared` (the text that
the network reads) and `rules` (the log-odds of each category by the rules and their classifier).
"""

import json
import random
import re

#: `ok` first, then the categories in the order of `Category::ALL`.
LABELS = ["ok", "shaft.sex", "shaft.hate", "shaft.alcohol", "shaft.firearms", "shaft.tobacco", "phishing", "fraud",
          "regulated.cannabis", "regulated.gambling", "regulated.lending"]

GREETINGS = ["hi", "hello", "hey", "dear customer", "good morning", "good day", "hiya", "hey hun", "dear sir", "yo",
             "hi there", "morning", "fyi", "update:", "reminder:", "psst", "hello again", "ok so"]
FAREWELLS = ["thanks", "thank you", "cheers", "reply stop to opt out", "txt stop to end", "x", "regards", "bye",
             "have a nice day", "see you", "stop to unsubscribe", "god bless", "call me", "love mum"]
LEET = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7", "l": "1"}


def read(path):
    """All rows of a file of JSON lines."""
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def key(text):
    """The same for texts that differ in case, digits and punctuation only."""
    return " ".join(re.sub(r"[^a-z#\s]", " ", re.sub(r"\d+", "#", text.lower())).split())


def distinct(rows, seen=()):
    """Rows whose text, apart from digits and punctuation, was not seen before."""
    seen = set(seen)
    kept = []
    for row in rows:
        this = key(row["text"])
        if this not in seen:
            seen.add(this)
            kept.append(row)
    return kept


def class_of(row):
    """The number of the row's label."""
    return LABELS.index(row["label"])


def cut_digits(text):
    """Runs of five and more digits are cut to four, as `prepare` does."""
    return re.sub(r"(\d{4})\d+", r"\1", text)


def raw(row):
    """The text as it was written, without what the screen reads behind it."""
    return " ".join(cut_digits(row["text"].lower()).replace(".", " . ").split())


def typo(text, chance):
    """One to three slips of the keyboard, or letters written as digits."""
    letters = list(text)
    for _ in range(chance.randint(1, 3)):
        if len(letters) < 4:
            break
        at = chance.randrange(1, len(letters) - 1)
        kind = chance.random()
        if kind < 0.25:
            del letters[at]
        elif kind < 0.5:
            letters[at], letters[at - 1] = letters[at - 1], letters[at]
        elif kind < 0.7:
            letters.insert(at, letters[at])
        elif letters[at] in LEET:
            letters[at] = chance.choice(LEET[letters[at]])
    return "".join(letters)


class Augmenter:
    """Makes another text of a row each time, with the same label."""

    def __init__(self, innocents, seed):
        self.innocents = innocents
        self.chance = random.Random(seed)

    def __call__(self, row):
        chance = self.chance
        text = row["prepared"]
        if chance.random() < 0.12:
            text = raw(row)
        if chance.random() < 0.12:
            text = text.split(" | link:")[0]
        if chance.random() < 0.10:
            text = typo(text, chance)
        if chance.random() < 0.08:
            body, tag, links = text.partition(" | link:")
            other = chance.choice(self.innocents)["prepared"].split(" | link:")[0]
            body = f"{other} {body}" if chance.random() < 0.5 else f"{body} {other}"
            text = body + tag + links
        if chance.random() < 0.08:
            body, tag, links = text.partition(" | link:")
            greeting, farewell = chance.choice(GREETINGS), chance.choice(FAREWELLS)
            body = f"{greeting} {body}" if chance.random() < 0.5 else f"{body} {farewell}"
            text = body + tag + links
        return text
