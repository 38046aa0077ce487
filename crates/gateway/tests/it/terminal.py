"""Runs a program in a terminal of its own, and types what it asks for once it hides what is typed.

    terminal.py '[["PROMPT", "LINE"], ...]' PROGRAM [ARGUMENT ...]

Prints what the terminal showed, and in the last line the status of the program.
"""

import json
import os
import pty
import sys
import termios
import time


def read(terminal):
    """The next octets; none at the end."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def main():
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.argv[2], sys.argv[2:])
    shown, rest = b"", b""
    for prompt, line in json.loads(sys.argv[1]):
        while prompt.encode() not in rest:
            octets = read(terminal)
            if not octets:
                sys.exit(f"{prompt!r} was not asked: {shown + rest}")
            rest += octets
        shown, rest = shown + rest, b""
        deadline = time.monotonic() + 60
        while termios.tcgetattr(terminal)[3] & termios.ECHO:
            if time.monotonic() > deadline:
                sys.exit("the terminal shows what is typed")
            time.sleep(0.01)
        os.write(terminal, line.encode() + b"\r")
    shown += rest
    while octets := read(terminal):
        shown += octets
    print(shown.decode())
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


main()
