"""Makes the training sets out of texts that others have published, each from one commit of a public repository:

    python public.py --clones DIRECTORY --out DIRECTORY [--fetch]

Clones are read from `owner+name` in the first directory, with or without a work tree. `--fetch` makes those that are
not there, without their files, which git gets when they are read. Each set becomes a file of JSON lines with `text` and
`label`. `public.md` tells what the sets are, their licences, and what was left out.
"""

import argparse
import collections
import csv
import dataclasses
import fnmatch
import io
import json
import pathlib
import random
import re
import subprocess
import typing

from public_cleaning import GROUP, clean, clean_post, cross_check, gather, names_group, words

HATE = "shaft.hate"


def table(text, **how):
    """The rows of a CSV file as dicts."""
    return csv.DictReader(io.StringIO(text, newline=""), **how)


def json_lines(files):
    """The objects of files of JSON lines."""
    return [json.loads(line) for text in files.values() for line in text.split("\n") if line.strip()]


def only(files):
    """The contents of the only file."""
    [text] = files.values()
    return text


def sample(by_class, most):
    """So many texts of each class at most, the same each time."""
    chance = random.Random(1)
    for name in sorted(by_class):
        chance.shuffle(by_class[name])
        yield from by_class[name][:most.get(name, most["any"])]


# Readers: from the contents of a source's files, by path, to rows of text and label.


def banking77(files):
    """Questions of a bank's customers, 15 of each intent."""
    intents = collections.defaultdict(list)
    for row in table(only(files)):
        intents[row["category"]].append(row["text"])
    return [(text, "ok") for text in sample(intents, {"any": 15})]


def chatterbot(files):
    """Small talk; the list items of YAML files."""
    other = words("sex* beer wine drunk alcohol smok* gun bot robot computer software")
    for text in files.values():
        for item in re.findall(r"^\s*-[ \t]+(?:-[ \t]+)?(\S.*?)\s*$", text, re.M):
            item = item.strip("'\"").replace("''", "'")
            if not other.search(item):
                yield item, "ok"


def clinc150(files):
    """Requests to an assistant, 10 of each intent and 200 of none."""
    other = words("bet casino gambl* beer wine vodka whisk* cigar* weed gun guns sex* porn")
    intents = collections.defaultdict(list)
    parts = json.loads(only(files))
    for part in ("train", "val", "test", "oos_train", "oos_val", "oos_test"):
        for text, intent in parts[part]:
            intents[intent].append(text)
    return [(text, "ok") for text in sample(intents, {"any": 10, "oos": 200}) if not other.search(text)]


def davidson(files):
    """Tweets that all annotators called hateful, or neither hateful nor offensive."""
    doubtful = words(
        "vape weed blunt kush beer vodka whiskey casino bet365 nigg* fagg?* dyke* chink* spic spics wetback* kike*",
        "coon coons tranny retard* cracker crackers beaner* gook* towelhead* raghead*")
    for row in table(only(files)):
        if row["hate_speech"] == row["count"]:
            yield row["tweet"], HATE
        elif row["neither"] == row["count"] and not doubtful.search(row["tweet"]):
            yield row["tweet"], "ok"


def edos(files):
    """Posts judged for sexism; of the sexist ones only threats (category 1) and derogation (2)."""
    for row in table(only(files)):
        if row["label_sexist"] != "sexist":
            if not GROUP.search(clean_post(row["text"])):
                yield row["text"], "ok"
        elif row["label_category"][0] in "12":
            yield row["text"], HATE


def finlight(files):
    """Messages of banks out of the strings of an app's tests."""
    bank = words("debited credited spent a/c acct account card paid received withdrawn bal otp due bill transferred",
                 "purchase recharge statement")
    code = re.compile(r"(?i)[\[\](){}]\?|\\[dsb]|\(\?|^(should|parser|result|expected|test|assert|select|insert|update"
                      r"|create)\b|(?-i:SELECT)")
    other = re.compile(r"(?i)(pre-?approved|personal loan|instant loan|casino|rummy|bet\b|lottery|win\b|winner|wine|"
                       r"liquor|beer|kyc|\$\{)")
    for kotlin in files.values():
        kotlin = re.sub(r'"\s*\+\s*"', "", kotlin)
        for long, short in re.findall(r'"""(.*?)"""|"((?:[^"\\\n]|\\.)*)"', kotlin, re.S):
            text = re.sub(r"\\([\"'$])", r"\1", (long or short).replace("\\n", " "))
            if len(text.split()) >= 6 and re.search(r"\d", text) and bank.search(text):
                if not code.search(text) and not other.search(text):
                    yield text, "ok"


def gabhate(files):
    """Posts of Gab by majority of the annotators: `hd` and `cv` are hate, `vo` is vulgar, the targets are protected."""
    for row in json_lines(files):
        text = row["Text"]
        if row["hd"] or row["cv"]:
            if any(row[target] for target in ("rel", "rae", "sxo", "gen", "nat", "mph")) or GROUP.search(text):
                yield text, HATE
        elif not row["vo"] and not names_group(text):
            yield text, "ok"


def hatecheck(files):
    """The whole test suite, with what each case tests."""
    for row in table(only(files)):
        about = {"functionality": row["functionality"], "target": row["target_ident"]}
        yield row["test_case"], HATE if row["label_gold"] == "hateful" else "ok", about


def hatemojibuild(files):
    """Texts that people wrote to mislead a model, with emoji."""
    for text in files.values():
        for row in table(text):
            yield row["text"], HATE if row["label_gold"] == "1" else "ok"


def implicit_hate(files):
    """Tweets of extremists that name a group: explicit hate, and three kinds of the implicit.

    What they wrote that was called not hateful is too doubtful for `ok`, and only cancels hate of the same text.
    """
    labels = {"explicit_hate": HATE, "inferiority": HATE, "threatening": HATE, "stereotypical": HATE, "not_hate": None}
    for text in files.values():
        for row in table(text, delimiter="\t", quoting=csv.QUOTE_NONE):
            kind = row.get("implicit_class") or row.get("class")
            post = re.sub(r'\s*"\s*"\s*', " ", clean_post(row["post"]))
            post = re.sub(r'[\s"]+$', "", re.sub(r'^[\s":.\-]+', "", post))
            post = re.sub(r"\s+", " ", re.sub(r"(?i)\brt\b\s*(?=:)", "", post)).strip()
            if kind in labels and (GROUP.search(post) if labels[kind] is None else names_group(post)):
                yield post, labels[kind]


JANITR_DOUBTFUL = words(
    "sex* nsfw porn* onlyfans nude* bet bets betting casino gambl* odds wager parlay beer wine whisk* vodka vape*",
    "cigar* weed cannabis cbd thc guns? ammo rifle loan loans wallet airdrop presale nigg* jews? muslims? islam*",
    "immigra* faggot* retard* trann*")
JANITR_LURE = re.compile(r"(?i)(https?://|\b[\w-]+\.[a-z]{2,6}\b|wa\.me|whatsapp|telegram|\bdm\b|claim|airdrop|recover|"
                         r"contact|inbox|send|join|double|profit|free)")
JANITR_PROMISE = re.compile(r"(?i)(airdrop|claim|recover|giveaway|giving away|double|profit|whatsapp|wa\.me|withdraw|"
                            r"wallet|reward|tips|insider|free)")


def janitr_label(labels):
    """`fraud` for scams; `ok` for what is clean or an advertisement, unless another label makes it doubtful."""
    unclean = {"spam", "scam", "phishing", "promo", "profanity", "ragebait", "conspiracy", "topic_social_issues",
               "topic_politics", "topic_religion", "topic_war_conflict", "topic_crypto", "engagement_bait"}
    unwanted = {"topic_crypto", "spam", "scam", "phishing", "affiliate", "topic_health", "lead_gen", "topic_finance",
                "giveaway", "bot"}
    if "topic_language_other" in labels:
        return None
    if "scam" in labels:
        return "fraud"
    if labels & {"topic_adult_services", "topic_gambling"}:
        return None
    harmless = "clean" in labels and not labels & unclean
    return "ok" if harmless or "promo" in labels and not labels & unwanted else None


def janitr(files):
    """Posts of X. A scam needs a lure and a promise, and to differ in more than tickers, links and numbers."""
    seen = set()
    for row in json_lines(files):
        label = janitr_label(set(row["labels"]))
        text = re.sub(r"https?://\s+", "https://", clean_post(row["text"]))
        text = re.sub(r"\s*pic\.twitter\.com/\S+", "", re.sub(r"\s*…$", "", text)).strip()
        if label == "ok" and not JANITR_DOUBTFUL.search(text):
            yield text, label
        elif label == "fraud" and len(re.findall(r"[A-Za-z]{2,}", re.sub(r"\$\w+", "", text))) >= 6:
            bare = re.sub(r"(https?://\s?\S+|\b[\w-]+\.[a-z]{2,}(/\S*)?|\$\w+|#\w+|@\w+|\d+)", " ", text.lower())
            beginning = tuple(re.findall(r"[a-z]+", bare)[:8])
            lures = JANITR_LURE.search(text) and JANITR_PROMISE.search(text)
            if lures and not re.search(r"(?i)\bdeploy\b|bankr|ticker", text) and beginning not in seen:
                seen.add(beginning)
                yield text, label


def misogyny(files):
    """Posts of Reddit whose annotations agree; without counter speech and mere personal attacks."""
    entries = collections.defaultdict(list)
    for row in table(only(files)):
        entries[row["entry_id"]].append(row)
    for rows in entries.values():
        text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", rows[0]["body"])
        labels, kinds = {row["level_1"] for row in rows}, {row["level_2"] for row in rows}
        if text.strip().lower() in ("", "[deleted]", "[removed]"):
            continue
        if labels == {"Nonmisogynistic"} and kinds == {"None_of_the_categories"} and not GROUP.search(text):
            yield text, "ok"
        if labels == {"Misogynistic"} and kinds & {"Misogynistic_pejorative", "Derogation", "Treatment"}:
            yield text, HATE


def otp(files):
    """One-time codes as services sent them, out of a parser's tests."""
    found = r"message:\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|`([^`]*)`)"
    for quoted in re.findall(found, only(files)):
        yield "".join(quoted).replace("\\'", "'").replace('\\"', '"').replace("\\n", "\n"), "ok"


def restaurant8k(files):
    """What people say who book a table."""
    return [(row["userInput"]["text"], "ok") for row in json.loads(only(files))]


def toxigen(files):
    """Sentences about groups, which prompted a model to write more; most stand in many prompts."""
    groups = {"ok": collections.defaultdict(set), HATE: collections.defaultdict(set)}
    for path, text in files.items():
        kind, group = re.search(r"(hate|neutral)_(\w+?)(?:_sentences|_1k)*\.txt", path).groups()
        for line in text.replace("\\n", "\n").split("\n") if path.startswith("prompts/") else text.split("\n"):
            sentence = re.sub(r"^\s*-\s*", "", line).strip()
            if len(sentence) >= 12:
                groups[HATE if kind == "hate" else "ok"][group].add(sentence)
    chance = random.Random(1)
    for label in ("ok", HATE):
        chosen = []
        for group in sorted(groups[label]):
            sentences = sorted(groups[label][group])
            chance.shuffle(sentences)
            chosen += sentences[:250]
        chance.shuffle(chosen)
        yield from [(sentence, label) for sentence in chosen[:750]]


def uci_ham(files):
    """Text messages between people."""
    other = words("horny sex* naked pussy cock cum dick nude porn nigg* gays? lesbian*")
    for line in only(files).split("\n"):
        kind, _, text = line.partition("\t")
        if kind == "ham" and not other.search(text):
            yield text.replace("&lt;#&gt;", "").replace("&lt;DECIMAL&gt;", ""), "ok"


def vitamin_sms(files):
    """Text messages to the clients of a tax service; a name is cut, and what has other placeholders is left out."""
    placeholder = r"(%\{\w+\}|<<[\w.]+>>)"
    found = r"^( *)(?:sms|text_message|sms_body):[ ]*(?:[|>]-?((?:\n(?:\1[ ]+.*|[ ]*))+)|\n *body:(.*)|(\S.*))$"
    for _, *values in re.findall(found, only(files), re.M):
        text = re.sub(r"\s*\n\s*", " ", "".join(values)).strip().strip('"').strip("'")
        text = re.sub(rf"^(Hi|Hello|Hey|Dear)\s+{placeholder}\s*[,!:\-]*\s*", "", text.replace("''", "'"))
        text = text.replace("\\n", " ").replace("<<Client.LoginLink>>", "https://www.getyourrefund.org/portal/login")
        if not re.search(r"%\{|<<", text):
            yield text, "ok"


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a set is from, and how it is read.

    `repository` is on GitHub, and `*` in `paths` stands for anything. `public.md` says where the licence is stated.
    Texts have to be of the `shortest` length, and `most` limits how many are taken. A set that `judges` is never learnt
    from: it goes to a file that `train.py` does not read.
    """

    name: str
    repository: str
    commit: str
    paths: list[str]
    licence: str
    read: typing.Callable
    #: `str` where the reader cleans.
    clean: typing.Callable = clean
    shortest: int = 8
    most: int | None = None
    judges: bool = False


#: A text that several sets hold stays in the first.
SOURCES = [
    Source("banking77", "PolyAI-LDN/task-specific-datasets", "57ec275d8078af65b7731c2a98be812d844a6d6b",
           ["banking_data/train.csv"], "CC-BY-4.0", banking77),
    Source("chatterbot", "gunthercox/chatterbot-corpus", "a01efece26661309b870af0251d96f94ee09fb19",
           [f"chatterbot_corpus/data/english/{topic}.yml" for topic in (
               "conversations", "emotion", "food", "gossip", "greetings", "health", "humor", "money", "movies",
               "psychology", "sports")], "BSD-3-Clause", chatterbot, shortest=12),
    Source("clinc150", "clinc/oos-eval", "828f8093932c8fe6ca7936c3d2e52903b1c523de", ["data/data_full.json"],
           "CC-BY-3.0", clinc150, shortest=15),
    Source("davidson", "t-davidson/hate-speech-and-offensive-language", "cb50f7e9eb855a99abc51423bf40df0e26d6fe30",
           ["data/labeled_data.csv"], "MIT", davidson, clean=clean_post),
    Source("edos", "rewire-online/edos", "b1f1fbcca9d42de0395432ada8fcfb5c35f68c77",
           ["data/edos_labelled_aggregated.csv"], "CC0-1.0", edos, clean=clean_post),
    Source("finlight_bank_sms", "PrajwalMadhyastha/Finlight-Android", "a660a8b01e2f3532f78342a406138f36ae9e1cd6",
           ["app/src/test/*.kt"], "Apache-2.0", finlight, shortest=25),
    Source("gabhate", "BrendanKennedy/contextualizing-hate-speech-models-with-explanations",
           "7b1f6719ac450c503ad5dcfb96f13759511ffd66",
           [f"data/majority_gab_dataset_25k/{part}.jsonl" for part in ("dev", "test")], "MIT", gabhate,
           clean=clean_post),
    Source("hatecheck", "paul-rottger/hatecheck-data", "d84302298ceeb34f4b0dde2d8a1f4932c2caa612",
           ["test_suite_cases.csv"], "CC-BY-4.0", hatecheck, judges=True),
    Source("hatemojibuild", "HannahKirk/Hatemoji", "a626f63216158748d072e581efc00267031f4404",
           [f"HatemojiBuild/{part}.csv" for part in ("train", "validation", "test")], "CC-BY-4.0", hatemojibuild,
           clean=clean_post),
    Source("implicit_hate", "liuchaoqun/hate-speech-datasets", "98f3ee8104cf87bb91ed3e64c31a3097b9f8de84",
           [f"implicit-hate-corpus/implicit_hate_v1_{stage}_posts.tsv" for stage in ("stg1", "stg2")], "MIT",
           implicit_hate, clean=str),
    Source("janitr", "janitrai/janitr", "a5b1e746e8826ffd800725536c782abc61818455", ["data/sample.jsonl"], "MIT",
           janitr, clean=clean_post),
    Source("misogyny", "ellamguest/online-misogyny-eacl2021", "b3c04567452ed92b160c3692343a0f2d74a027b2",
           ["data/final_labels.csv"], "MIT", misogyny, clean=clean_post),
    Source("otp", "transitive-bullshit/parse-otp-message", "435cfed87b0d002380a1cf21ff4c48319d9db6d4",
           ["test/index.js"], "MIT", otp),
    Source("restaurant8k", "PolyAI-LDN/task-specific-datasets", "57ec275d8078af65b7731c2a98be812d844a6d6b",
           ["span_extraction/restaurant8k/test.json"], "CC-BY-4.0", restaurant8k, shortest=18, most=800),
    Source("toxigen", "microsoft/TOXIGEN", "01517e814639e0334c920a3c502036c8158aac87",
           ["demonstrations/*.txt", "prompts/*.txt"], "MIT, CDLA-Permissive-2.0", toxigen, clean=clean_post),
    Source("uci_ham", "hamzaaacodes/sms-spam-collection", "f3e73e1e74e6330b62d1ee1983bba2a063184c26",
           ["SMSSpamCollection"], "CC-BY-4.0", uci_ham),
    Source("vitamin_sms", "codeforamerica/vita-min", "4612fee9b1e819644783d05b994995ee702baf41",
           ["config/locales/en.yml"], "MIT", vitamin_sms, shortest=25),
]


def git_directory(clone):
    """The git directory that is the clone, or stands in it or one level below."""
    for found in [clone, clone / ".git", *clone.glob("*"), *clone.glob("*/.git")]:
        if (found / "HEAD").is_file() and (found / "objects").is_dir():
            return found
    raise SystemExit(f"{clone} is no clone")


def git(directory, *command):
    """What git prints."""
    done = subprocess.run(["git", "--git-dir", directory, *command], check=True, stdout=subprocess.PIPE)
    return done.stdout.decode("utf-8", "replace")


def contents(source, clones, fetch):
    """The files of a source by their paths."""
    clone = clones / source.repository.replace("/", "+")
    if fetch and not clone.exists():
        url = f"https://github.com/{source.repository}"
        subprocess.run(["git", "clone", "--filter=blob:none", "--no-checkout", url, clone], check=True)
    directory = git_directory(clone)
    paths = source.paths
    if any("*" in path for path in paths):
        there = git(directory, "ls-tree", "-r", "--name-only", source.commit).splitlines()
        paths = sorted(path for path in there if any(fnmatch.fnmatchcase(path, wanted) for wanted in paths))
    return {path: git(directory, "show", f"{source.commit}:{path}").lstrip("\ufeff") for path in paths}


def main():
    """Makes all sets, and prints how many rows they have."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clones", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--fetch", action="store_true", help="clone what is not there")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    sets, judges = {}, {}
    for source in SOURCES:
        rows = source.read(contents(source, given.clones, given.fetch))
        (judges if source.judges else sets)[source.name] = gather(source, rows)
    written = cross_check(sets, judges) | {f"judges_{name}": rows for name, rows in judges.items()}
    for name, rows in written.items():
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows.values()]
        (given.out / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        print(name, len(rows), dict(collections.Counter(row["label"] for row in rows.values())))


if __name__ == "__main__":
    main()
