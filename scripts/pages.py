"""Markdown pages: their blocks of code, their links and anchors, and the comparison of an answer with the one that a
page shows."""

import json
import re
from dataclasses import dataclass

# The text that stands for anything in an answer that a page shows.
ANY = "…"

FENCE = re.compile(r"^( *)```([\w-]*)[ \t]*$")
MARK = re.compile(r"^<!-- (not run|server|starts|instead|world)(?:: (.*?))? -->$")
LINK = re.compile(r"(?<!!)\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^()\s]+(?:\([^()]*\))?[^()\s]*)\)|!\[[^\]]*\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$")

# Text that differs each time: times, and ids with their prefixes.
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
ID = r"\b(msg|acc|brc|evt|key|scr|tpl|ers|whk|wh|opt)_[0-9A-Za-z]{8,}\b"
VARYING = re.compile(f"{TIME}|{ID}")


@dataclass
class Block:
    """A block of code: its language, its text, the line of its fence, and the comments before it."""

    language: str
    text: str
    line: int
    marks: dict
    follows: bool  # whether nothing but blank lines stands between it and the block before


def blocks(page):
    """The blocks of code of a page, in order."""
    found, marks, follows, lines = [], {}, False, page.split("\n")
    index = 0
    while index < len(lines):
        fence = FENCE.match(lines[index])
        if fence:
            indent, begin = len(fence[1]), index
            index += 1
            inside = []
            while index < len(lines) and lines[index].strip() != "```":
                inside.append(lines[index][indent:])
                index += 1
            found.append(Block(fence[2], "\n".join(inside), begin + 1, marks, follows))
            marks, follows = {}, True
        elif mark := MARK.match(lines[index].strip()):
            marks[mark[1]] = mark[2] or ""
        elif lines[index].strip():
            marks, follows = {}, False
        index += 1
    return found


def world(page):
    """The world that a page names for its blocks, or nothing."""
    for line in page.split("\n"):
        mark = MARK.match(line.strip())
        if mark and mark[1] == "world":
            return mark[2]
    return None


def without_code(page):
    """The page with its blocks and spans of code taken out, line by line."""
    lines, is_code = [], False
    for line in page.split("\n"):
        if FENCE.match(line) or is_code and line.strip() == "```":
            is_code = not is_code
            line = ""
        lines.append("" if is_code else re.sub(r"(`+).+?\1", lambda span: "`" * len(span[0]), line))
    return lines


def links(page):
    """The targets of the links of a page, with their lines."""
    return [
        (match[1] or match[2], number)
        for number, line in enumerate(without_code(page), 1)
        for match in LINK.finditer(line)
    ]


def anchors(page):
    """The anchors that GitHub gives to the headings of a page."""
    found, is_code = set(), False
    for line in page.split("\n"):
        if FENCE.match(line):
            is_code = not is_code
        heading = None if is_code else HEADING.match(line)
        if not heading:
            continue
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


def commands(block):
    """The commands of a block `console`, each with the output that the block shows after it."""
    found = []
    for line in block.text.split("\n"):
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif not found:
            raise ValueError("the block begins with no `$ command`")
        elif found[-1][0][-1].endswith("\\") and not found[-1][1]:
            found[-1][0].append(line.removeprefix("> "))
        else:
            found[-1][1].append(line)
    return [("\n".join(command), "\n".join(shown).strip("\n")) for command, shown in found]


def lines(text):
    """The commands of a text, one for each line; a line that ends in a backslash goes on in the next."""
    joined = text.replace("\\\n", " ")
    return [line for line in joined.split("\n") if line.strip() and not line.startswith("#")]


def pattern(text):
    """A pattern for a text of a page: `…` fits any text of a line, a time any time, an id any of its kind."""
    parts, end = [], 0
    for match in re.finditer(f"{VARYING.pattern}|{ANY}| +", text):
        parts.append(re.escape(text[end : match.start()]))
        if match[0] == ANY:
            parts.append(".*?")
        elif match[0].startswith(" "):
            parts.append(" +")
        else:
            parts.append(f"{match[1]}_\\w+" if match[1] else TIME)
        end = match.end()
    return "".join(parts) + re.escape(text[end:])


def fits_text(shown, output):
    """Whether an output is the one that a page shows. A line of `…` alone stands for any lines."""
    lines = [line.rstrip() for line in shown.split("\n")]
    whole = "".join("(?:.*\n)*?" if line.strip() == ANY else pattern(line) + " *\n" for line in lines)
    return re.fullmatch(whole, output.strip("\n") + "\n") is not None


def fits_json(shown, answer):
    """Whether an answer is the one that a page shows: the same fields with the same values. `"…"` stands for any value,
    and as the last of a list or a field of its own for whatever else is there."""
    if shown == ANY:
        return True
    if isinstance(shown, dict):
        more = ANY in shown
        return (
            isinstance(answer, dict)
            and all(key in answer and fits_json(value, answer[key]) for key, value in shown.items() if key != ANY)
            and (more or set(shown) == set(answer))
        )
    if isinstance(shown, list):
        more = bool(shown) and shown[-1] == ANY
        items = shown[:-1] if more else shown
        return (
            isinstance(answer, list)
            and (len(answer) >= len(items) if more else len(answer) == len(items))
            and all(fits_json(item, given) for item, given in zip(items, answer))
        )
    if isinstance(shown, str) and isinstance(answer, str):
        return re.fullmatch(pattern(shown), answer, re.DOTALL) is not None
    return shown == answer and isinstance(shown, bool) == isinstance(answer, bool)


def fits_shown_json(shown, output):
    """The same of texts. A page may write the last field of an object, or the last of a list, as a bare `…`."""
    text = re.sub(r"([{,]\s*)…(\s*})", r'\1"…": "…"\2', shown)
    text = re.sub(r"([\[,]\s*)…(\s*])", r'\1"…"\2', text)
    return fits_json(json.loads(text), json.loads(output))


def self_test():
    page = "# A `b` c!\n\n<!-- not run: why -->\n\n```sh\na\n```\n\n```json\n{}\n```\n\n## A b c\n"
    page += "[x](y.md#z) `[n](o)`\n"
    first, second = blocks(page)
    assert (first.language, first.text, first.marks, first.follows) == ("sh", "a", {"not run": "why"}, False)
    assert (second.language, second.marks, second.follows) == ("json", {}, True)
    assert anchors(page) == {"a-b-c", "a-b-c-1"} and links(page) == [("y.md#z", 14)]
    assert world("<!-- world: dev -->") == "dev" and world("text") is None
    assert commands(Block("console", "$ a \\\n>  b\nc\n\n$ d", 1, {}, False)) == [("a \\\n b", "c"), ("d", "")]
    assert fits_text("a …  b\n…\nend", "a 12 b\nx\ny\nend\n") and not fits_text("a\nb", "a\nc")
    assert fits_text("2026-11-24T02:17:31.235Z msg_0352tq8nFIV10q", "2027-01-02T03:04:05.006Z msg_9952tq8nFIV10q")
    assert not fits_text("msg_0352tq8nFIV10q", "acc_0352tq8nFIV10q")
    assert fits_shown_json('{"a": "x…", "b": [1, …], …}', '{"a": "xyz", "b": [1, 2], "c": null}')
    assert not fits_shown_json('{"a": 1}', '{"a": 1, "b": 2}') and not fits_shown_json("[true]", "[1]")
