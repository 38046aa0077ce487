"""Installs, upgrades, removes and purges the Debian package in a system that debootstrap makes and that systemd runs.

The system is a container with a network of its own: nothing in it reaches anything else, and its service may have the
usual ports.
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
from harness import Process, wait_for

EARLIER = "0.0.1"
CONFIG = "etc/smsfactory/smsfactory.toml"
SECRETS = ("pepper", "admin-token")
# What the package depends on, and what makes a container a system.
PACKAGES = ("ca-certificates", "init-system-helpers", "procps", "systemd", "systemd-sysv")


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


def bare():
    """An archive of a system that has nothing of ours, made once."""
    made = tree.ROOT / "target" / "packages-system" / f"{release()}.tar"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        half = made.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", release(), half, archive()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["tar", "-C", half, "-cf", f"{made}.new", "."], check=True)
        shutil.rmtree(half)
        os.rename(f"{made}.new", made)
    return made


# What a container of one command, and one of a whole system, have in common.
NSPAWN = ("systemd-nspawn", "--register=no", "--keep-unit", "--link-journal=no")


def run_with_network(root, script, *options):
    """Runs a shell script in a system that does not run, with the network of this machine: what gets packages from the
    archive before the system is cut off."""
    command = [*NSPAWN, "--quiet", f"--directory={root}", "--pipe", "--resolv-conf=copy-host", *options]
    done = subprocess.run([*command, "sh", "-ec", script], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{script}: {done.stdout[-3000:]}{done.stderr[-3000:]}")


class System:
    """A system that runs, with its root in a directory. `options` are further ones of systemd-nspawn."""

    def __init__(self, root, *options):
        self.root = pathlib.Path(root)
        command = [*NSPAWN, f"--directory={root}", "--boot", "--private-network", "--console=pipe"]
        self.container = Process(*command, *options)
        self.first = []
        wait_for("the start of the system", self.has_started, 300)

    def has_started(self):
        # What begins the system has another child before its first process.
        process = self.container.process.pid
        self.first = pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()[:1]
        return self.first and self.ask("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}

    def inside(self, *command):
        return ["nsenter", "--target", *self.first, "--all", "--", *command]

    def ask(self, *command):
        """Runs a command within the system."""
        options = {"capture_output": True, "text": True, "env": self.ENVIRONMENT, "timeout": 1800}
        return subprocess.run(self.inside(*command), **options)

    def start(self, *command, **options):
        """Starts a command within the system."""
        return Process(*self.inside(*command), env=self.ENVIRONMENT, **options)

    def run(self, *command):
        """The same, of one that must not fail. What it writes."""
        done = self.ask(*command)
        if done.returncode:
            log = self.ask("journalctl", "--no-pager", "--unit", "smsfactory", "--lines", "20").stdout
            raise SystemExit(f"{' '.join(command)}: {done.stdout[-3000:]}{done.stderr[-3000:]}{log}")
        return done.stdout

    def install(self, package):
        # The system has a /tmp of its own.
        shutil.copy(package, self.path(f"root/{package.name}"))
        self.run("dpkg", "--install", f"/root/{package.name}")

    def path(self, name):
        return self.root / name

    def service(self, field):
        """What systemd knows of the service."""
        return self.run("systemctl", "show", "--value", "--property", field, "smsfactory").strip()

    def operate(self, *command):
        """A command of the operator, with the token that the package made."""
        return json.loads(self.run("smsfactory", *command, "--token-file", f"/{secret('admin-token')}", "--json"))


def secret(name):
    return f"etc/smsfactory/secrets/{name}"


def is_installed(system):
    """What an installation leaves. The secrets."""
    account = int(system.run("id", "-u", "smsfactory"))
    texts = []
    for name in SECRETS:
        file = system.path(secret(name))
        assert (file.stat().st_mode & 0o777, file.stat().st_uid) == (0o600, 0), name
        texts.append(file.read_text())
        assert re.fullmatch(r"[0-9a-f]{64}", texts[-1]), name
    assert len(set(texts)) == len(texts)
    state = system.path("var/lib/smsfactory").stat()
    assert (state.st_mode & 0o777, state.st_uid) == (0o700, account)
    assert system.service("UnitFileState") == "enabled"
    system.run("smsfactory", "check", "--offline", "--config", f"/{CONFIG}")
    return texts


def is_served(system):
    """systemd has heard that the service is ready, and it is confined."""
    assert system.service("ActiveState") == "active", system.run("systemctl", "status", "smsfactory")
    assert system.service("StatusText") == "The public API listens on 127.0.0.1:8080, the admin API on 127.0.0.1:8081"
    status = system.run("cat", f"/proc/{system.service('MainPID')}/status")
    for line in ("Seccomp:\t2", "NoNewPrivs:\t1", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000"):
        assert line in status, f"{line} is missing: {status}"


def asks_for_addresses(system, account):
    """Confined as it is, the service still learns the addresses of its machine, which decide what may be fetched."""
    system.operate("number", "add", "+18005550100", "--account", account)
    message = ["message", "send", "--account", account, "--from", "+18005550100", "--to", "+12025550143"]
    private = ["--media-url", "http://127.0.0.1/cat.jpg", "--token-file", f"/{secret('admin-token')}"]
    refused = system.ask("smsfactory", *message, "--body", "hello", *private)
    assert "33018" in refused.stderr + refused.stdout, refused


def is_started_again(system):
    """systemd hears nothing of a service that stands still, and starts it again."""
    place = "/run/systemd/system/smsfactory.service.d"
    system.run("sh", "-c", f"mkdir -p {place} && printf '[Service]\\nWatchdogSec=2\\n' >{place}/watchdog.conf")
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "restart", "smsfactory")
    system.run("kill", "-STOP", system.service("MainPID"))
    wait_for("the service's new start", lambda: system.service("NRestarts") == "1", 60)
    wait_for("the service's return", lambda: system.service("ActiveState") == "active", 60)
    system.run("rm", "-r", place)
    system.run("systemctl", "daemon-reload")


CARRIER = """
[[carrier]]
name = "main"
host = "127.0.0.1"
system_id = "me"
password_file = "/etc/smsfactory/secrets/main-password"
"""


def reads_secrets_of_carriers(system):
    """As docs/production.md says: a file that only root reads, a drop-in, and a carrier that names the file."""
    file, place = secret("main-password"), "/etc/systemd/system/smsfactory.service.d"
    system.run("sh", "-c", f"umask 077 && echo password >/{file}")
    drop_in = f"[Service]\\nLoadCredential=main-password:/{file}\\n"
    system.run("sh", "-c", f"mkdir {place} && printf '{drop_in}' >{place}/my.conf")
    config = system.path(CONFIG)
    before = config.read_text()
    config.write_text(before + CARRIER)
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "restart", "smsfactory")
    is_served(system)
    system.run("smsfactory", "check", "--offline", "--config", f"/{CONFIG}")
    assert "main" in [carrier["name"] for carrier in system.operate("carrier", "list")["data"]]
    config.write_text(before)
    system.run("rm", "-r", place, f"/{file}")
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "restart", "smsfactory")


def is_upgraded(system, package):
    """The newer package keeps the operator's file, the secrets and the store."""
    secrets, process = is_installed(system), system.service("MainPID")
    account = system.operate("account", "create", "kept")["id"]
    with open(system.path(CONFIG), "a", encoding="utf-8") as file:
        file.write("# the operator's\n")
    system.install(package)
    assert system.run("dpkg-query", "-W", "-f", "${Version}", "smsfactory") == tree.version()
    assert system.service("MainPID") != process, "the newer program runs"
    assert system.path(CONFIG).read_text().endswith("# the operator's\n")
    assert is_installed(system) == secrets
    is_served(system)
    assert system.operate("account", "show", account)["name"] == "kept"
    system.run("systemctl", "reload", "smsfactory")
    wait_for("the reload", lambda: "The configuration is unchanged" in system.run("journalctl", "-u", "smsfactory"))
    return account


def is_removed(system):
    """The program is gone, the service ended in order, and what it kept is there."""
    assert not system.path("usr/bin/smsfactory").exists()
    assert system.path(CONFIG).exists() and system.path("var/lib/smsfactory/smsfactory.db").exists()
    log = system.run("journalctl", "-u", "smsfactory", "--lines", "5")
    assert "smsfactory.service: Deactivated successfully" in log, log


def judge(options, package, say):
    """The whole life of the package on one system."""
    earlier = deb.build(options.binary, options.manual, options.out / "earlier", EARLIER, ("-z1",))
    with tempfile.TemporaryDirectory(dir=tree.ROOT / "target") as directory:
        subprocess.run(["tar", "-C", directory, "-xf", bare()], check=True)
        system = System(directory)
        try:
            system.install(earlier)
            is_installed(system)
            is_served(system)
            say(f"{earlier.name} is installed, and its service runs, confined")
            is_started_again(system)
            say("the service is started again when it stands still")
            reads_secrets_of_carriers(system)
            say("it reads the secrets of carriers as the documentation says")
            account = is_upgraded(system, package)
            asks_for_addresses(system, account)
            say("the package is upgraded with its store in place")
            system.run("dpkg", "--remove", "smsfactory")
            is_removed(system)
            system.install(package)
            is_served(system)
            assert system.operate("account", "show", account)["name"] == "kept"
            say("it is removed and installed again, and has what it had")
            system.run("dpkg", "--purge", "smsfactory")
            left = system.run("find", "/etc", "/var/lib", "/usr", "/run", "-xdev", "-name", "*smsfactory*").split()
            assert not left, f"purged, and still there: {left}"
            say("it is purged, and nothing is left")
        finally:
            system.container.stop()
