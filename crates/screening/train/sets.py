"""Which texts the models learn from, and which only judge them.

Texts written for this project are in `data/`, in sections `## label` or `## label obfuscated`, one message a line.
Those of others are read from a directory (`public.md` names them), each file as JSON lines with `text` and `label`.
"""

import hashlib
import json
import pathlib
import random

import texts

HERE = pathlib.Path(__file__).parent
#: Written for training; `expanded` was made of templates, `foreign` and `links` by a hand that knew what the screen
#: missed.
WRITTEN = ["business", "deception", "expanded", "foreign", "goods", "innocents", "links", "offences", "offers",
           "people", "unlike"]
#: Written by others than the training texts, for the choice of the points and for the last look.
JUDGES = ["choose", "last"]
#: Files of others: how many rows of each label are taken at most, and their weight. Posts of social media are no text
#: messages, and would drown them.
PUBLIC = {
    "dev": (10_000, 1.0), "a2p_dev": (10_000, 1.0),
    "hatemojibuild": (3_000, 0.7), "implicit_hate": (1_200, 0.4), "edos": (1_500, 0.4), "toxigen": (600, 0.7),
    "davidson": (1_200, 0.6), "gabhate": (500, 0.4), "misogyny": (500, 0.4), "janitr": (400, 0.4),
    "uci_ham": (5_000, 1.0), "clinc150": (700, 0.5), "banking77": (500, 0.6), "restaurant8k": (600, 0.5),
    "chatterbot": (400, 0.5), "finlight_bank_sms": (500, 1.0), "otp": (500, 1.0), "vitamin_sms": (500, 1.0),
}
#: The crate's own files: how many rows are taken at most, and their weight. Every row of the regression files is
#: taken: tests require how the screen judges them.
OWN = {"pairs": (10_000, 4.0), "fresh": (10_000, 2.0), "corpus": (3_000, 1.0)}
#: So many texts of hardly any words are made.
SIGNS = 600


def written(name):
    """The rows of a file of `data/`."""
    rows, label = [], None
    for line in (HERE / "data" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            label = line[3:].strip()
        elif line.strip() and label:
            first, _, hidden = label.partition(" ")
            assert first in texts.LABELS, label
            source = f"{name} {hidden}" if hidden else name
            rows.append({"text": line.strip().replace("\\n", "\n"), "label": first, "source": source})
    return rows


def public(directory):
    """The rows of others' files that are in `directory`."""
    rows = []
    for name in PUBLIC:
        path = pathlib.Path(directory) / f"{name}.jsonl"
        if not path.exists():
            print(f"{path} is not there")
            continue
        for row in texts.read(path):
            obfuscated = " obfuscated" if "obfuscated" in row.get("source", "") else ""
            rows.append({"text": row["text"], "label": row["label"], "source": name + obfuscated})
    return rows


def write(rows, path):
    """JSON lines, as `prepare` reads them."""
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def share(text, words=3):
    """A number from 0 up to 1, the same for texts that begin alike: near copies fall on one side of a split."""
    start = " ".join(texts.key(text).split()[:words])
    return int.from_bytes(hashlib.sha256(start.encode()).digest()[:4], "big") / 2**32


def split(rows):
    """Rows to learn from, and innocent ones of real senders that are kept out: a third of the business messages, half
    of the personal ones."""
    held = {"a2p_dev": 0.33, "uci_ham": 0.5, "finlight_bank_sms": 0.33, "otp": 0.33}
    learn, keep = [], []
    for row in rows:
        (keep if share(row["text"]) < held.get(row["source"], 0.0) else learn).append(row)
    return learn, keep


def signs(seed=5):
    """Innocent texts of hardly any words: signs, digits, pictures and letters, which mean nothing however often they
    are repeated."""
    chance = random.Random(seed)
    kinds = ["$€£¥₹₦₱¢", "0123456789", "abcdefghijklmnopqrstuvwxyz", "!?.,:;-_/*+=~^|<>()[]{}#%&@'\"", "жяшбфцюэ",
             "你我是不了在有人", "שלוםאבג", "αβγδωψφ", "😀😂👍🎉❤🙏🔥💰🍕🚗🎂⚽🎰🍷"]
    starts = ["", "", "", "x", "ok", "hm", "re", "a", "lol", "yes", "no", "hi", "the", "ж", "q"]
    texts_of = []
    for _ in range(SIGNS):
        letters = chance.choice(kinds)
        unit = "".join(chance.choice(letters) for _ in range(chance.choice([1, 1, 1, 2, 3])))
        text = unit * chance.choice([1, 2, 3, 5, 8, 20, 35, 60])
        if chance.random() < 0.3:
            text = " ".join(text)
        start = chance.choice(starts)
        space = " " if chance.random() < 0.5 else ""
        texts_of.append(f"{start}{space}{text}" if chance.random() < 0.7 else f"{text}{space}{start}")
    return [{"text": text.strip(), "label": "ok", "source": "signs"} for text in dict.fromkeys(texts_of)]


def weighted(rows):
    """At most so many of each source and label as its place in `PUBLIC` or `OWN` allows, with its weight."""
    counts, taken = {}, []
    for row in sorted(rows, key=lambda row: hashlib.sha256(row["text"].encode()).digest()):
        source = row["source"].split(" ")[0]
        most, weight = (PUBLIC | OWN).get(source, (100_000, 1.0))
        name = (source, row["label"] if source not in OWN else "")
        counts[name] = counts.get(name, 0) + 1
        if counts[name] <= most:
            taken.append(row | {"weight": weight})
    return taken
