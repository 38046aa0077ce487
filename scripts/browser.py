"""What the scripts with a browser share: the directory of the tests with their npm packages, and the program."""

import argparse
import fcntl
import filecmp
import hashlib
import os
import shutil
import subprocess

from harness import ROOT

TESTS = os.path.join(ROOT, "tests", "console")


def parser(description):
    """A parser of the command line, with the option that all of these scripts have."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--binary", help="the program; a debug build, made here, when absent")
    return made


def program(given):
    """The path of the program: the one that is given, or a debug build."""
    if given:
        return os.path.abspath(given)
    subprocess.run(["cargo", "build", "--quiet", "-p", "gateway"], cwd=ROOT, check=True)
    return os.path.join(ROOT, "target", "debug", "smsfactory")


def packages():
    """The directory with the tests beside their npm packages, which are installed anew when the lock has changed."""
    directory = os.path.join(ROOT, "target", "console")
    os.makedirs(directory, exist_ok=True)
    # A benchmark may want the same at the same time, and neither changes a file that the other reads.
    with open(os.path.join(directory, "turn"), "w", encoding="ascii") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        for name in os.listdir(TESTS):
            source, copy = os.path.join(TESTS, name), os.path.join(directory, name)
            if not os.path.exists(copy) or not filecmp.cmp(source, copy, shallow=False):
                shutil.copy(source, copy)
        install(directory)
    return directory


def install(directory):
    """Installs the npm packages, unless those of the lock file are there."""
    with open(os.path.join(TESTS, "package-lock.json"), "rb") as file:
        wanted = hashlib.sha256(file.read()).hexdigest()
    mark = os.path.join(directory, "lock.sha256")
    if os.path.exists(mark) and open(mark, encoding="ascii").read() == wanted:
        return
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=directory, check=True)
    with open(mark, "w", encoding="ascii") as file:
        file.write(wanted)


def node(binary, *arguments):
    """Runs node in the directory of the tests, in front of this program. The exit code."""
    environment = dict(os.environ, SMSFACTORY_BINARY=binary)
    return subprocess.run(["node", *arguments], cwd=packages(), env=environment, check=False).returncode
