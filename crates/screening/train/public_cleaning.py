"""What `public.py` does with the texts of every set: it cleans them, drops duplicates, and checks the sets against each
other.

Texts are compared by their letters, digits and emoji, whatever their case. Emoji count as they can decide the label.
"""

import html
import re
import unicodedata

LONGEST = 500
REDACTED = re.compile(
    r"(?i)[<\[({](?:url|link|user|username|number|phone|email|website|percent|money|time|date|name|removed|redacted)s?"
    r"[>\])}]")
COMMON = set(
    "the a an to of and in is are was be i you we they he she it for on at with your my our this that not have has "
    "will can do no so if but just all me from or by what who how when u ur as get there".split())


def words(*listed):
    """A pattern that finds any of the words; `*` stands for any ending."""
    return re.compile(r"(?i)\b(" + "|".join(" ".join(listed).replace("*", r"\w*").split()) + r")\b")


#: A race, religion, nation, orientation or disability. Where annotators judged hatred of women only, a text called
#: harmless may still be hateful towards one of these.
GROUP = words(
    "jew* musl* islam* black* white* negro* nigg* mexic* hispanic* latin* asian* chin[ke]* arab* immigra* migrant*",
    "refugee* gay* homo* lesbian* tran[sn]* fag* dyke* queer* retard* autis* christian* catholic* african* africa",
    "german* india* paki* nigeria* somali* israel* zion* race races racial racis* goy* kike* ape apes monkey*",
    r"subhuman* invader* illegals? gyps* nazi* hitler holocaust kalergi multicult* sand\s?nig* spics? muzz* mudslime*",
    r"libtard* savage* third\sworld boomers? tranny* shemale* lgbt* curr(?:y|ies)")
#: Women, and more words for groups that are too ambiguous for the pattern above.
WOMEN_OR_GROUP = words(
    "wom[ae]n* female* girls? bitch* cunt* whore* slut* feminis* feminaz* disabled cripple*", r"old\speople mongoloid*",
    r"cuck* rag\s?head* towel\s?head* camel* goat* beaner* spic* kik* niglet* coon* heeb* shekel* rabbi* talmud*",
    "rothschild* soros sharia allah mohamm?ed quran koran turk* iran* japan* irish polish russian* gypp* foreigner*",
    "alien* afric* minorit* ethnic* ghetto dindu* hajji")


def names_group(text):
    """Whether a group is named that hate speech could be aimed at."""
    return bool(GROUP.search(text) or WOMEN_OR_GROUP.search(text))


def clean(text):
    """The text without HTML entities, marks of redaction and superfluous white space."""
    text = re.sub(r"\s+", " ", REDACTED.sub("", html.unescape(html.unescape(text)))).strip()
    if text.count('"') <= 2 and text.startswith('"') and text.endswith('"'):
        text = text.strip('"')
    return re.sub(r"^[:\s]+", "", text).strip()


def clean_post(text):
    """The same for a post of social media, which also loses the names and links of its platform."""
    text = html.unescape(html.unescape(text)).replace("\u200b", "").replace("\ufffd", "'")
    text = re.sub(r"\bRT\s*:?\s*(?=@)", "", re.sub(r"^\s*RT\b\s*", "", text))
    return clean(re.sub(r"@\w+:?|https?://t\.co/\S*", "", text))


def key(text):
    """The same for texts that differ only in case, punctuation and white space."""
    def counts(char):
        return char.isalnum() or unicodedata.category(char)[0] == "S" and not char.isascii()

    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = " ".join("".join(char if counts(char) else " " for char in folded).split())
    return kept if len(kept) > 3 else folded


def english(text):
    """Whether the text may be English: Latin letters and, in all but the shortest, a common word."""
    letters = [char for char in text if char.isalpha()]
    if letters and sum(char.isascii() for char in letters) < 0.7 * len(letters):
        return False
    found = re.findall(r"[a-z']+", text.lower())
    return len(found) < 6 or any(word in COMMON for word in found)


def gather(source, rows):
    """The cleaned rows of a source by their keys, without duplicates and without texts that it labels in two ways.

    A row whose label is `None` is not taken, nor is another row of the same text.
    """
    first, labels = {}, {}
    for text, label, *about in rows:
        text = source.clean(text)
        if not source.shortest <= len(text) <= LONGEST or not (source.judges or english(text)):
            continue
        this = key(text)
        labels.setdefault(this, set()).add(label)
        first.setdefault(this, {"text": text, "label": label, "source": source.repository, **dict(*about)})
    taken = list(first.items())[:source.most]
    return {this: row for this, row in taken if row["label"] and len(labels[this]) == 1}


def cross_check(sets, judges):
    """The sets without what a judging set holds, what two sets label differently, and what an earlier set holds."""
    labels = {}
    for rows in sets.values():
        for this, row in rows.items():
            labels.setdefault(this, set()).add(row["label"])
    seen = {this for rows in judges.values() for this in rows}
    checked = {}
    for name, rows in sets.items():
        checked[name] = {this: row for this, row in rows.items() if this not in seen and len(labels[this]) == 1}
        seen.update(checked[name])
    return checked
