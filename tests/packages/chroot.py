"""Installs, upgrades, removes and purges the Debian package in a system that debootstrap makes.

The system has no systemd that runs, as in a container: the scripts of the package must not need one. The service is
started as systemd would, under its account and with copies of its secrets.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import deb
import tree
from harness import Process, free_port, wait_for
from observed import answers

EARLIER = "0.0.1"
CONFIG = "etc/smsfactory/smsfactory.toml"
SECRETS = ("pepper", "admin-token")


def release():
    """The code name of this Debian."""
    return re.search(r"^VERSION_CODENAME=(\w+)$", pathlib.Path("/etc/os-release").read_text(), re.M)[1]


def archive():
    """Where apt gets this release from, as it is configured here."""
    fields = "--format=$(REPO_URI) $(RELEASE) $(COMPONENT)"
    asked = subprocess.run(["apt-get", "indextargets", fields, "Created-By: Packages"], capture_output=True, text=True)
    for line in asked.stdout.splitlines():
        uri, of, component = line.split()
        if (of, component) == (release(), "main"):
            return uri
    raise SystemExit(f"apt has no archive of {release()} here")


def bare(options):
    """An archive of a system with nothing in it, made once."""
    made = options.out.parent / "packages-system" / f"{release()}.tar"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        half = made.with_suffix(".half")
        command = ["debootstrap", "--variant=minbase", release(), half, archive()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["tar", "-C", half, "-cf", f"{made}.new", "."], check=True)
        shutil.rmtree(half)
        os.rename(f"{made}.new", made)
    return made


class System:
    """The system in a directory, and a server in it."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.api, self.admin = free_port(), free_port()

    def run(self, *command):
        """Runs a command within the system, which has a /proc of its own and nothing of ours. What it writes."""
        begin = f'mount -t proc proc "{self.root}/proc" && exec chroot "{self.root}" "$@"'
        inside = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", begin, "sh", *command]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
        environment |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
        environment |= {"SMSFACTORY_ADMIN_URL": f"http://127.0.0.1:{self.admin}"}
        done = subprocess.run(inside, capture_output=True, text=True, env=environment)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout

    def apt(self, *command):
        return self.run("apt-get", "-qq", "-y", "--no-install-recommends", *command)

    def install(self, package):
        shutil.copy(package, self.root / "tmp" / package.name)
        self.apt("install", f"/tmp/{package.name}")

    def path(self, name):
        return self.root / name

    def start(self):
        """Starts the service as its unit says."""
        user, group = (int(self.run("id", flag, "smsfactory")) for flag in ("-u", "-g"))
        copies = self.path("run/credentials/smsfactory.service")
        copies.mkdir(parents=True, exist_ok=True)
        for name in SECRETS:
            shutil.copy(self.path(f"etc/smsfactory/secrets/{name}"), copies / name)
            os.chown(copies / name, user, group)
        environment = {
            "PATH": os.environ["PATH"],
            "SMSFACTORY_KEYS_PEPPER_FILE": "/run/credentials/smsfactory.service/pepper",
            "SMSFACTORY_ADMIN_TOKEN_FILE": "/run/credentials/smsfactory.service/admin-token",
            "SMSFACTORY_API_LISTEN": f"127.0.0.1:{self.api}",
            "SMSFACTORY_ADMIN_LISTEN": f"127.0.0.1:{self.admin}",
        }
        inside = ["chroot", f"--userspec={user}:{group}", self.root]
        server = Process(*inside, "/usr/bin/smsfactory", "serve", "--config", f"/{CONFIG}", env=environment)
        wait_for("the start of the installed service", lambda: answers(f"http://127.0.0.1:{self.admin}/readyz"))
        return server

    def operate(self, *command):
        """A command of the operator, with the token that the package made."""
        told = self.run("smsfactory", *command, "--token-file", "/etc/smsfactory/secrets/admin-token", "--json")
        return json.loads(told)


def installed(system):
    """What an installation leaves."""
    secrets = [system.path(f"etc/smsfactory/secrets/{name}") for name in SECRETS]
    for secret in secrets:
        assert (secret.stat().st_mode & 0o777, secret.stat().st_uid) == (0o600, 0), secret
        assert re.fullmatch(r"[0-9a-f]{64}", secret.read_text()), secret
    assert secrets[0].read_text() != secrets[1].read_text()
    state = system.path("var/lib/smsfactory").stat()
    user = int(system.run("id", "-u", "smsfactory"))
    assert (state.st_mode & 0o777, state.st_uid) == (0o700, user)
    assert system.path("etc/systemd/system/multi-user.target.wants/smsfactory.service").is_symlink()
    system.run("smsfactory", "check", "--offline", "--config", f"/{CONFIG}")
    return [secret.read_text() for secret in secrets]


def judge(options, package, say):
    """The whole life of the package on one system."""
    earlier = deb.build(options.binary, options.manual, options.out / "earlier", EARLIER, ("-z1",))
    with tempfile.TemporaryDirectory(dir=options.out) as directory:
        subprocess.run(["tar", "-C", directory, "-xf", bare(options)], check=True)
        system = System(directory)
        system.apt("update")
        system.install(earlier)
        secrets = installed(system)
        server = system.start()
        account = system.operate("account", "create", "kept")["id"]
        server.stop()
        with open(system.path(CONFIG), "a", encoding="utf-8") as file:
            file.write("# the operator's\n")
        say(f"{earlier.name} is installed, and its service runs")

        system.install(package)
        assert system.run("dpkg-query", "-W", "-f", "${Version}", "smsfactory") == tree.version()
        assert system.path(CONFIG).read_text().endswith("# the operator's\n"), "the operator's file stays"
        assert installed(system) == secrets, "secrets stay"
        server = system.start()
        assert system.operate("account", "show", account)["name"] == "kept"
        server.stop()
        say("it is upgraded with its store in place")

        system.apt("remove", "smsfactory")
        assert not system.path("usr/bin/smsfactory").exists()
        assert system.path(CONFIG).exists() and system.path("var/lib/smsfactory/smsfactory.db").exists()
        system.install(package)
        assert installed(system) == secrets
        server = system.start()
        assert system.operate("account", "show", account)["name"] == "kept"
        server.stop()
        say("it is removed and installed again, and has what it had")

        system.apt("purge", "smsfactory")
        left = system.run("find", "/etc", "/var/lib", "/usr", "-xdev", "-name", "*smsfactory*").split()
        left = [path for path in left if not path.startswith("/var/lib/systemd/deb-systemd-helper")]
        assert not left, f"purged, and still there: {left}"
        say("it is purged, and nothing is left")
