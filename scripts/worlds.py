"""Where the commands of a page run: a directory with ports of its own, and in it nothing, `smsfactory dev`, a server
with a carrier, or a whole machine whose changes are thrown away."""

import contextlib
import glob
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error

from harness import NUMBER, ROOT, TOKEN, Process, Server, Smsc, free_port, wait_for

sys.path.append(os.path.join(ROOT, "packaging"))
import deb  # noqa: E402 (it lies beside the package)

# Hosts that stand for the reader's own, and for those of carriers.
HOSTS = ("smsc.example.net", "192.0.2.10")

# Files that stand for the reader's own.
FILES = {
    "letter.txt": "The shop opens at nine. " * 12,
    "texts.txt": "+18005550001 +18005551234 Hello\n",
    "old-platform.csv": "number\n+18005550166\n",
    "recipients.csv": "+18005551001\n+18005551002\n",
    "cat.jpg": "no picture",
}

# Ports of the pages that are not the server's own.
OTHER_PORTS = ("2525", "2526", "2775", "3000", "7007", "8082", "8090")

# Where the simulators listen, unless a page says so.
LISTENERS = {"smsfactory simulate smsc": ["--listen"], "smsfactory simulate mmsc": ["--listen-mm4", "--listen-mm7"]}

# Variables that a shell sets by itself.
READ_ONLY = "BASHOPTS|SHELLOPTS|UID|EUID|PPID|PWD|OLDPWD"

# Settings that a page's commands would meet within a minute.
UNLIMITED = {"messagePerMinute": 1_000_000, "broadcastPerMinute": 1_000_000, "readPerMinute": 1_000_000}

PLACEHOLDERS = {
    "msg_…": "/messages?limit=1",
    "brc_…": "/broadcasts?limit=1",
    "scr_…": "/screening?limit=1",
}


def kept(text, directory, state):
    """The script of a text that runs with the variables and the directory that the texts before have left in the file
    `state`, and leaves its own there."""
    return (
        f"cd {directory}; set -aeuo pipefail; [ ! -f {state} ] || . {state}\n{text}\n"
        f"{{ export -p | grep -vE ' ({READ_ONLY})(=|$)'; echo cd \"$PWD\"; }} >{state}\n"
    )


class Session(Process):
    """A program with all that it starts."""

    def __init__(self, *command, **options):
        super().__init__(*command, start_new_session=True, **options)

    def stop(self, how=signal.SIGTERM, seconds=60):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)
        return self.wait(seconds)


class World:
    """A directory, in which the blocks of one page run in order and leave their variables to the next."""

    # Seconds within which what a page shows has to be there.
    patience = 10

    def __init__(self, binary, directory):
        self.binary, self.directory = binary, directory
        self.ports = {port: free_port() for port in ("8080", "8081", *OTHER_PORTS)}
        self.env = {
            "PATH": f"{directory}/bin:{os.environ['PATH']}",
            "HOME": directory,
            "LANG": "C.UTF-8",
            "SMSFACTORY_ADMIN_URL": f"http://127.0.0.1:{self.ports['8081']}",
            "SMSFACTORY_URL": f"http://127.0.0.1:{self.ports['8080']}",
        }
        self.key = self.test_key = self.account = None
        self.token = None
        self.is_dev = False
        self.prefix = []
        self.processes = []
        os.makedirs(f"{directory}/bin")
        os.makedirs(f"{directory}/work")
        os.symlink(binary, f"{directory}/bin/smsfactory")
        for name, text in {"../.curlrc": "silent\nshow-error\n", **FILES}.items():
            with open(f"{directory}/work/{name}", "w", encoding="utf-8") as file:
                file.write(text)

    def substituted(self, text):
        """The text with the ports and names of this world."""
        for port, own in self.ports.items():
            text = re.sub(rf"(?:(?<=:)|(?<=port = )){port}(?!\d)", str(own), text)
        text = text.replace("cargo run --release --", "smsfactory").replace("target/release/smsfactory", "smsfactory")
        for host in HOSTS:
            text = text.replace(host, "127.0.0.1")
        if self.key:
            text = text.replace("uk_…:sk_live_…", f"{self.key['keyId']}:{self.key['keySecret']}")
            text = text.replace("uk_…:sk_test_…", f"{self.test_key['keyId']}:{self.test_key['keySecret']}")
            text = re.sub(r"\bACCOUNT\b|acc_…", self.account, text)
            if "AC…" in text:
                text = text.replace("AC…", self.ask("GET", f"/accounts/{self.account}")["twilioAccountSid"])
        for placeholder, path in PLACEHOLDERS.items():
            if placeholder in text:
                text = text.replace(placeholder, self.ask("GET", path)["data"][0]["id"])
        return text

    def shown(self, output):
        """An output with the ports of the pages in the place of this world's."""
        for port, own in self.ports.items():
            output = re.sub(rf"(?<!\d){own}(?!\d)", port, output)
        return output

    def script(self, text):
        """What runs a text with the variables and the directory that the blocks before have left."""
        return kept(text, f"{self.directory}/work", f"{self.directory}/state")

    def run(self, text):
        """Runs a text. Its exit code and its output, standard error included."""
        done = subprocess.run(
            [*self.prefix, "bash", "-c", self.script(self.substituted(text))],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        return done.returncode, self.shown(done.stdout)

    def serve(self, text):
        """Runs a text whose last command is a server, and waits until the server is ready."""
        text = self.substituted(text)
        self.is_dev = re.search(r"smsfactory dev\b", text) is not None
        if self.is_dev:
            ports = f"--listen 127.0.0.1:{self.ports['8080']} --admin-listen 127.0.0.1:{self.ports['8081']}"
            text = re.sub(r"(smsfactory dev)\b", rf"\1 {ports}", text)
        log = open(f"{self.directory}/server.log", "w")
        process = Session(*self.prefix, "bash", "-c", self.script(text), env=self.env, stdout=log, stderr=log)
        self.processes.append(process)
        began = time.monotonic()
        while not self.is_ready():
            if not process.is_running() or time.monotonic() > began + 30:
                raise SystemExit(f"the server is not ready:\n{open(f'{self.directory}/server.log').read()[-2000:]}")
            time.sleep(0.05)
        self.learn()

    def starts(self, command):
        """Whether a simulator starts and says where it listens."""
        command = self.substituted(command)
        for program, flags in LISTENERS.items():
            missing = [f" {flag} 127.0.0.1:0" for flag in flags if f"{flag} " not in command]
            command = command.replace(program, program + "".join(missing))
        text = f"cd {self.directory}/work; exec {command}"
        process = Session("bash", "-c", text, env=self.env, stdout=subprocess.PIPE)
        says_where = process.process.stdout.readline() != b""
        process.stop()
        return says_where

    def is_ready(self):
        """Whether the server answers; `dev` says so last of all."""
        if not self.is_dev:
            return self.answers("/readyz")
        with open(f"{self.directory}/server.log", encoding="utf-8", errors="replace") as log:
            return "Send a message, without" in log.read()

    def answers(self, path):
        command = ["curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{self.ports['8081']}{path}"]
        return subprocess.run(command, check=False).returncode == 0

    def learn(self):
        """Takes over the credentials that `dev` has made."""
        if not self.is_dev:
            return
        with open(f"{self.directory}/work/data/demo.json", encoding="utf-8") as file:
            made = json.load(file)
        with open(f"{self.directory}/work/data/admin.token", encoding="utf-8") as file:
            self.token = file.read().strip()
        self.key, self.test_key, self.account = made["live"], made["test"], made["accountId"]
        self.ask("PATCH", f"/accounts/{self.account}", UNLIMITED)

    def ask(self, method, path, body=None):
        """The admin API."""
        command = ["curl", "-sf", "-X", method, f"http://127.0.0.1:{self.ports['8081']}/admin/v1{path}"]
        command += ["-H", f"Authorization: Bearer {self.token}"]
        if body is not None:
            command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return json.loads(done.stdout or "null")

    def end(self):
        for process in self.processes:
            if process.is_running():
                process.stop()


class Dev(World):
    """`smsfactory dev`, from the first block on."""

    def __init__(self, binary, directory):
        super().__init__(binary, directory)
        self.serve("smsfactory dev")


class Serving(World):
    """`smsfactory serve` with one carrier, `main`, and one account that has sent a message."""

    def __init__(self, binary, directory):
        super().__init__(binary, directory)
        smsc = Smsc(binary)
        server = Server(binary, f"{directory}/work", smsc.port)
        self.processes += [smsc]
        self.ports["8080"], self.ports["8081"] = server.api, server.admin
        server.start()
        self.processes.insert(0, server.process)
        server.wait_until_bound()
        self.token = TOKEN
        account = server.ask("POST", "/accounts", {"name": "First customer"})
        self.account = account["id"]
        server.ask("POST", "/numbers", {"number": NUMBER, "accountId": self.account})
        self.key = server.ask("POST", f"/accounts/{self.account}/keys", {})
        self.test_key = server.ask("POST", f"/accounts/{self.account}/keys", {"mode": "test"})
        self.env |= {
            "SMSFACTORY_ADMIN_URL": f"http://127.0.0.1:{server.admin}",
            "SMSFACTORY_URL": f"http://127.0.0.1:{server.api}",
            "SMSFACTORY_ADMIN_TOKEN": TOKEN,
            "SMSFACTORY_KEYS_PEPPER": "pepper" * 8,
            "SMSFACTORY_KEY_ID": self.key["keyId"],
            "SMSFACTORY_KEY_SECRET": self.key["keySecret"],
        }
        message = {"accountId": self.account, "to": "+18005550199", "from": NUMBER, "body": "Your code is 482910"}
        sent = server.ask("POST", "/messages", message)["id"]
        phishing = "Claim your prize now: verify your bank account at http://bit.ly/x1 within 24 hours"
        with contextlib.suppress(urllib.error.HTTPError):
            server.ask("POST", "/messages", {**message, "body": phishing})
        wait_for("a delivery", lambda: server.ask("GET", f"/messages/{sent}")["status"] == "delivered")


class Machine(World):
    """This machine's file system under a layer that takes every change and is thrown away, the Debian package, and an
    SMSC. systemd does not run in it: `serve` does what it does for the service."""

    UNIT = "lib/systemd/system/smsfactory.service"
    DROP_INS = "etc/systemd/system/smsfactory.service.d/*.conf"
    CREDENTIALS = "/run/credentials/smsfactory.service"

    def __init__(self, binary, directory):
        super().__init__(binary, directory)
        layer = {part: f"{directory}/layer/{part}" for part in ("upper", "work", "root")}
        for path in layer.values():
            os.makedirs(path)
        mount = (
            f"mount -t overlay overlay -o lowerdir=/,upperdir={layer['upper']},workdir={layer['work']} {layer['root']}"
            f" && mount --rbind /proc {layer['root']}/proc && mount --rbind /dev {layer['root']}/dev"
            f" && mount --bind {directory}/work {layer['root']}{directory}/work && echo ready && exec sleep infinity"
        )
        holder = Session("unshare", "--mount", "sh", "-c", mount, stdout=subprocess.PIPE)
        if holder.process.stdout.readline() != b"ready\n":
            raise SystemExit("no layer over this machine's file system: run as root")
        enter = ["nsenter", "--mount", "--target", str(holder.process.pid), "chroot", layer["root"]]
        self.prefix = enter
        smsc = Smsc(binary)
        self.ports["2775"] = smsc.port
        self.processes += [smsc, holder]
        self.env["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        self.root = layer["root"]
        self.holder = holder.process.pid
        writer = os.path.join(os.path.dirname(binary), "examples", "manual")
        deb.build(binary, writer, f"{directory}/work", compression=("-Znone",))

    def settings(self, name):
        """The values that the unit and its drop-ins give to a setting."""
        inside = f"/proc/{self.holder}/root{self.root}"
        text = ""
        for path in [f"{inside}/{self.UNIT}", *sorted(glob.glob(f"{inside}/{self.DROP_INS}"))]:
            with open(path, encoding="utf-8") as file:
                text += file.read() + "\n"
        return re.findall(rf"^{name}=(.*)$", text, re.M)

    def serve(self, _):
        """Runs the service as its unit says: under its account, with copies of its secrets."""
        (user,), (program,) = self.settings("User"), self.settings("ExecStart")
        lines = [f"install -d -o {user} -m 700 {self.CREDENTIALS}"]
        for credential in self.settings("LoadCredential"):
            name, _, path = credential.partition(":")
            lines.append(f"install -o {user} -m 400 {path} {self.CREDENTIALS}/{name}")
        lines.append(f"exec runuser -u {user} -- env CREDENTIALS_DIRECTORY={self.CREDENTIALS} {program}")
        super().serve("\n".join(lines))


WORLDS = {None: World, "dev": Dev, "server": Serving, "machine": Machine}
