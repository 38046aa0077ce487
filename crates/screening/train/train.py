"""Trains both models: the classifier on top of the rules, and the network beside them.

    python train.py --programs DIRECTORY [--public DIRECTORY] [--work DIRECTORY] [--data DIRECTORY]
                    [--rounds N] [--student-rounds N] [--seeds 1,2] [--threads N]

A teacher, which is used only here, learns from the labelled texts; students, of which the screen runs one, learn from
the teacher. The work directory keeps the teacher and its scores, so that a second run makes only what is missing.
Figures are of the student as the file holds it, summed with the rules.
"""

import argparse
import json
import pathlib
import random
import subprocess

import numpy
import torch

import figures
import network_file
import pieces as word_pieces
import sets
import student as students
import teacher as teachers
import texts

ROUNDS, STUDENT_ROUNDS, SEEDS = 2, 14, "1"
#: The shares of innocent rows at which recalls are compared.
SHARES = [0.005, 0.01, 0.02, 0.03]
#: So much is taken from the log-odds of hate: of the rows to learn from five times as many are hate as of each other
#: category, most of them posts of social media, and kind words about a group were found with them.
HATE = 1.2
#: Texts put together of two: so many for each row.
JOINED = 0.4
#: Where the teacher contradicts the label of a text that was written for this project, the label's log-odds are this
#: much above all others.
MARGIN = 3.0


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", required=True, help="where the crate's examples `prepare` and `train` are")
    parser.add_argument("--data", default=str(sets.HERE.parent / "data"),
                        help="the data of the screen; its weights.bin and network.bin are written anew")
    parser.add_argument("--public", help="texts of others: one file of JSON lines for each name in sets.py")
    parser.add_argument("--sample", default=str(sets.HERE.parent / "tests/data/network.jsonl"),
                        help="where texts and what the network says of them are written, for a test of the crate")
    parser.add_argument("--work", default="target/training", help="what is made on the way")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds of the teacher over the rows")
    parser.add_argument("--student-rounds", type=int, default=STUDENT_ROUNDS)
    parser.add_argument("--seeds", default=SEEDS, help="of the students; the middle one by recall is kept")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def prepared(given, rows, name, own=False):
    """Rows as the network reads them."""
    source, target = pathlib.Path(given.work, f"{name}.in.jsonl"), pathlib.Path(given.work, f"{name}.jsonl")
    sets.write(rows, source)
    with open(target, "w", encoding="utf-8") as out:
        program = str(pathlib.Path(given.programs, "prepare"))
        own_texts = ["--own"] if own else []
        subprocess.run([program, "--data", given.data, *own_texts, str(source)], stdout=out, check=True)
    return texts.read(target)


def read(given):
    """Rows to learn from, innocent ones that are kept out, and the set that chooses the points."""
    rows = [row for name in sets.WRITTEN for row in sets.written(name)]
    rows += sets.public(given.public) if given.public else []
    choose = prepared(given, sets.written("choose"), "choose")
    seen = {texts.key(row["text"]) for name in sets.JUDGES for row in sets.written(name)}
    every = texts.distinct(prepared(given, rows, "rows", own=True), seen)
    learn, keep = sets.split(every)
    learn = sets.weighted(learn + prepared(given, sets.signs(), "signs"))
    random.Random(7).shuffle(learn)
    return learn, keep, choose


def train_weights(given, learn):
    """The classifier on top of the rules, which has the crate's own texts already."""
    path = pathlib.Path(given.work, "weights.jsonl")
    others = [row for row in learn if row["source"] not in sets.OWN]
    sets.write([{name: row[name] for name in ("text", "label", "source")} for row in others], path)
    program = str(pathlib.Path(given.programs, "train"))
    subprocess.run([program, str(path), "--data", given.data, "--out", str(pathlib.Path(given.data, "weights.bin"))],
                   check=True)


def changed(learn, seed):
    """Each row in another form, for the student."""
    augment = texts.Augmenter([row for row in learn if row["label"] == "ok"], seed)
    return [augment(row) for row in learn]


def joined(learn, seed):
    """Texts put together of two rows, whose label nothing tells."""
    chance, made = random.Random(seed), []
    for _ in range(int(len(learn) * JOINED)):
        first, second = chance.choice(learn)["prepared"], chance.choice(learn)["prepared"]
        body, tag, links = first.partition(" | link:")
        parts = body.split()
        cut = second.split(" | link:")[0].split()
        start = chance.randrange(0, max(1, len(cut) - 4))
        piece = cut[start:start + chance.randint(3, 14)]
        both = parts + piece if chance.random() < 0.5 else piece + parts
        made.append(" ".join(both) + tag + links)
    return made


def corrected(scores, rows):
    """The teacher's scores of `rows`, with the label above all others where a text was written for this project and
    the teacher contradicts its label. Phishing and fraud name one deed."""
    scores, count = scores.clone(), 0
    deceptions = [texts.LABELS.index("phishing"), texts.LABELS.index("fraud")]
    for score, row in zip(scores, rows):
        if row["source"].split(" ")[0] not in [*sets.WRITTEN, *sets.OWN, "signs"]:
            continue
        label = texts.class_of(row)
        right = deceptions if label in deceptions else [label]
        wrong = max(float(score[at]) for at in range(len(score)) if at not in right)
        if max(float(score[at]) for at in right) < wrong:
            score[label] = wrong + MARGIN
            count += 1
    print(f"the teacher contradicted the labels of {count} of {len(rows)} texts", flush=True)
    return scores


def kept(path, make):
    """What `make` makes, kept in a file."""
    if path.exists():
        return torch.load(path, weights_only=True)
    made = make()
    torch.save(made, path)
    return made


def taught(given, learn):
    """The teacher, trained or read again."""
    path = pathlib.Path(given.work, "teacher.pt")
    if path.exists():
        teacher = teachers.Teacher()
        teacher.load_state_dict(torch.load(path, weights_only=True))
        return teacher
    teacher = teachers.train(learn, 1, given.rounds)
    torch.save(teacher.state_dict(), path)
    return teacher


def lessons_of(given, teacher, learn):
    """What students learn from: the rows, each again in another form, and texts put together of two."""
    twice = learn + learn
    lines = [row["prepared"] for row in learn] + changed(learn, 11) + joined(learn, 11)
    others = len(lines) - len(twice)
    scores = kept(pathlib.Path(given.work, "scores.pt"), lambda: teacher.score(lines))
    scores = torch.cat([corrected(scores[:len(twice)], twice), scores[len(twice):]])
    labels = torch.tensor([texts.class_of(row) for row in learn] + [-1] * (len(lines) - len(learn)))
    weights = torch.tensor([max(1.0, row["weight"]) for row in twice] + [1.0] * others)
    return students.Lessons(lines, scores, labels, weights)


def rules_of(rows):
    return numpy.array([row["rules"] for row in rows], dtype=numpy.float32)


def show(name, network, rows, points):
    """The figures of one set."""
    figures.table(name, figures.fused(network, rules_of(rows)), rows, points)


def points_of(network, rows):
    """From which log-odds on each of `SHARES` of the innocent rows is found."""
    odds = figures.fused(network, rules_of(rows))
    return [figures.point_at(odds, rows, share) for share in SHARES]


def student_of(given, lessons, pieces, table, seed):
    """A student, with the numbers that its file holds."""
    student = students.train(lessons, pieces, table, seed, given.student_rounds)
    with torch.no_grad():
        student.out.bias[texts.LABELS.index("shaft.hate")] -= HATE
    return network_file.rounded_student(student)


def write_sample(path, student, pieces, rows):
    """Texts, and what the network says of each."""
    sample = [row["prepared"] for row in rows]
    with open(path, "w", encoding="utf-8") as out:
        for text, logits in zip(sample, students.score(student, pieces, sample)):
            says = [round(float(one - logits[0]), 3) for one in logits[1:]]
            out.write(json.dumps({"prepared": text, "odds": says}, ensure_ascii=False) + "\n")


def main():
    given = options()
    torch.set_num_threads(given.threads)
    pathlib.Path(given.work).mkdir(parents=True, exist_ok=True)
    learn, _, _ = read(given)
    train_weights(given, learn)
    # The rules' log-odds are those of the new weights from here on.
    learn, keep, choose = read(given)
    counts = {label: sum(row["label"] == label for row in learn) for label in texts.LABELS}
    print(f"{len(learn)} rows to learn from: {counts}; {len(keep)} innocent rows kept out", flush=True)
    teacher = taught(given, learn)

    judges = choose + keep
    by_teacher = kept(pathlib.Path(given.work, "choose.pt"),
                      lambda: teacher.score([row["prepared"] for row in judges])).numpy()
    show("teacher and rules", by_teacher, judges, points_of(by_teacher, judges))

    lessons = lessons_of(given, teacher, learn)
    pieces = word_pieces.chosen(lessons.texts, teacher.tokenizer.get_vocab())
    table = students.table_of(teacher, pieces)
    print(f"{len(lessons.texts)} texts for the student, {len(pieces.names)} pieces", flush=True)

    pairs = [row for row in learn if row["source"] == "pairs"]
    found = []
    for seed in map(int, given.seeds.split(",")):
        student = student_of(given, lessons, pieces, table, seed)
        network = students.score(student, pieces, [row["prepared"] for row in judges]).numpy()
        points = points_of(network, judges)
        show(f"student {seed} and rules", network, judges, points)
        of_pairs = students.score(student, pieces, [row["prepared"] for row in pairs]).numpy()
        show(f"student {seed} and rules: pairs", of_pairs, pairs, points)
        odds = figures.fused(network, rules_of(judges))
        found.append((sum(figures.recall_at(odds, judges, point) for point in points), seed, student))
        network_file.write(student, pieces, pathlib.Path(given.work, f"student{seed}.bin"))
    found.sort(key=lambda one: one[:2])
    _, seed, student = found[len(found) // 2]
    path = pathlib.Path(given.data, "network.bin")
    octets = network_file.write(student, pieces, path)
    print(f"student {seed} is kept: {octets} octets to {path}")
    # Others' texts are not put into the sample, which is part of the repository.
    write_sample(given.sample, student, pieces, choose[::40])


if __name__ == "__main__":
    main()
