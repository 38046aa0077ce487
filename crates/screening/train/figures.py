"""Recall and refusals, with their intervals."""

import math

import numpy

from texts import LABELS, class_of

RULES = 0.5
RULES_LEAST = -5.0


def fused(network, rules):
    """The log-odds of each category: the network's, and half of the rules'."""
    return network[:, 1:] - network[:, :1] + RULES * numpy.maximum(rules, RULES_LEAST)


def interval(count, of):
    """Wilson's interval of a share, at 95 %."""
    if of == 0:
        return 0.0, 0.0
    z, share = 1.96, count / of
    middle, spread = share + z * z / 2 / of, z * math.sqrt(share * (1 - share) / of + z * z / 4 / of / of)
    return (middle - spread) / (1 + z * z / of), (middle + spread) / (1 + z * z / of)


def point_at(odds, rows, share):
    """The point from which on `share` of the innocent rows are found."""
    innocent = numpy.sort(odds.max(1)[[row["label"] == "ok" for row in rows]])[::-1]
    return float(innocent[int(len(innocent) * share)]) + 1e-4


def recall_at(odds, rows, point):
    """The share of violating rows found from `point` on."""
    bad = numpy.array([row["label"] != "ok" for row in rows])
    return float((odds.max(1)[bad] >= point).mean()) if bad.any() else math.nan


def alike(found, meant):
    """Phishing and fraud name one deed from two sides."""
    return found == meant or {found, meant} == {"phishing", "fraud"}


def table(name, odds, rows, points, say=print):
    """Prints recall, refusals and the categories at each of `points`."""
    bad = [at for at, row in enumerate(rows) if row["label"] != "ok"]
    good = [at for at, row in enumerate(rows) if row["label"] == "ok"]
    best = odds.max(1)
    for point in points:
        found, refused = int((best[bad] >= point).sum()), int((best[good] >= point).sum())
        low, high = interval(found, len(bad))
        below, above = interval(refused, len(good))
        say(f"{name:28} from {point:6.2f}: recall {found}/{len(bad)} "
            f"{found / max(1, len(bad)):.3f} ({low:.3f} to {high:.3f}), refused {refused}/{len(good)} "
            f"{refused / max(1, len(good)):.4f} ({below:.4f} to {above:.4f})")
    if bad:
        shares = []
        for label in LABELS[1:]:
            mine = [at for at in bad if rows[at]["label"] == label]
            if mine:
                found = "/".join(f"{(best[mine] >= point).mean():.2f}" for point in points)
                shares.append(f"{label.split('.')[-1]} {found}")
        hidden = [at for at in bad if rows[at]["source"].endswith("obfuscated")]
        if hidden:
            shares.append("obfuscated " + "/".join(f"{(best[hidden] >= point).mean():.2f}" for point in points))
        say("    " + ", ".join(shares))
        say(f"    macro-F1 of the name at the last point: {named(odds, rows, points[-1]):.3f}")


def named(odds, rows, point):
    """The macro-F1 of the named category."""
    scores = []
    guessed = [LABELS[1 + int(one.argmax())] if one.max() >= point else "ok" for one in odds]
    for label in LABELS[1:]:
        meant = [row["label"] for row in rows]
        if label not in meant:
            continue
        hits = sum(a == label and alike(b, a) for a, b in zip(meant, guessed))
        named_so = sum(b == label for b in guessed)
        right = sum(b == label and alike(b, a) for a, b in zip(meant, guessed))
        recall, precision = hits / meant.count(label), right / max(1, named_so)
        scores.append(2 * recall * precision / max(1e-9, recall + precision))
    return sum(scores) / len(scores)
