"""Runs blocks of pages in a world, and compares their outputs with those that the pages show. A world has `run`,
`substituted`, `shown` and `patience`, as in worlds.py."""

import re
import time

import pages

LANGUAGES = ("sh", "console", "toml", "json")


class Failed(Exception):
    """A block did not do what its page says."""


def with_answers(found):
    """Each block with the block of JSON directly after it, if there is one: its answer."""
    for block, after in zip(found, [*found[1:], None]):
        yield block, after if after is not None and after.language == "json" and after.follows else None


def is_read(command):
    """Whether a command may run again, because it only reads."""
    if command.startswith("smsfactory"):
        return re.search(r" (show|list)\b", command) is not None
    return not re.search(r" (-d|-X|--json|--data\S*) ", command)


def fits(world, shown, output, is_json):
    shown = world.shown(world.substituted(shown))
    try:
        return pages.fits_shown_json(shown, output) if is_json else pages.fits_text(shown, output)
    except ValueError:
        return False


def run(world, command, shown="", is_json=False):
    """Runs a command, and compares its output where the page shows it. A message may be a moment on its way: what only
    reads is asked again for some seconds."""
    deadline = time.monotonic() + world.patience
    while True:
        code, output = world.run(command)
        if not shown.strip():
            if code != 0:
                raise Failed(f"`{command.strip()}` failed with {code}:\n{output}")
            return
        if fits(world, shown, output, is_json):
            return
        if not is_read(command) or time.monotonic() > deadline:
            raise Failed(f"`{command.strip()}`: the page has\n{shown}\nand the output is\n{output}")
        time.sleep(0.2)


def run_commands(world, block, answer):
    """Runs a block `sh` or `console`. `answer` is the block of JSON that its output has to fit, if there is one."""
    if block.language == "console":
        for command, shown in pages.commands(block):
            run(world, command, shown)
    else:
        run(world, block.text, answer.text if answer else "", is_json=answer is not None)
