"""What the scripts that run the real programs share: processes that end with the script, the simulated SMSC, a server
and its operator."""

import base64
import json
import os
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NUMBER = "+18005550100"
TOKEN = "harness-token-harness-token"


given_ports = set()


def free_port():
    """A port that this script has not been given before and on which no program listens. It lies below those that the
    system gives to outgoing connections: one of these could take it before it is used."""
    while True:
        port = random.randint(10_000, 32_000)
        if port in given_ports:
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        given_ports.add(port)
        return port


def wait_for(what, condition, seconds=60.0):
    """Looks again and again; what never comes ends the script."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise SystemExit(f"{what} did not happen within {seconds:.0f} s")


def accepts(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def add_binary_option(parser):
    """The option of every benchmark that names the programs to be measured."""
    parser.add_argument(
        "--binary", metavar="DIRECTORY", help="where the programs are; a release build, made here, when absent"
    )


def programs(options):
    """The directory of the programs that a benchmark measures, built where the option `--binary` is absent."""
    if options.binary:
        return os.path.abspath(options.binary)
    build = ["cargo", "build", "--release", "--quiet", "--locked", "-p", "gateway", "-p", "bench"]
    subprocess.run(build, cwd=ROOT, check=True)
    return os.path.join(ROOT, "target", "release")


class Process:
    """A program that this script started, and that ends with it."""

    running = []

    def __init__(self, *command, **options):
        options.setdefault("stdout", subprocess.DEVNULL)
        options.setdefault("stderr", subprocess.DEVNULL)
        self.process = subprocess.Popen([str(part) for part in command], **options)
        Process.running.append(self)

    def stop(self, how=signal.SIGTERM, seconds=60):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.wait(seconds)

    def freeze(self):
        """Stops every thread where it is. Returns when none runs any more; one that is in a system call stops at its
        end."""
        self.process.send_signal(signal.SIGSTOP)
        wait_for("every thread's stop", lambda: set(self.thread_states()) <= {"T", "D"}, 10)

    def thread_states(self):
        """The state letter of each thread, as /proc has it."""
        tasks = f"/proc/{self.process.pid}/task"
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/stat", encoding="utf-8", errors="replace") as stat:
                yield stat.read().rpartition(")")[2].split()[0]

    def wait(self, seconds=60):
        code = self.process.wait(seconds)
        if self in Process.running:
            Process.running.remove(self)
        return code

    def is_running(self):
        return self.process.poll() is None

    def resident_mb(self, field="VmRSS"):
        """How much memory it has; the most that it ever had with `VmHWM`."""
        with open(f"/proc/{self.process.pid}/status") as status:
            line = next(line for line in status if line.startswith(field))
        return int(line.split()[1]) / 1024

    def cpu_seconds(self):
        """The time that it had on processors so far."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @classmethod
    def stop_all(cls):
        for process in list(cls.running):
            process.stop(signal.SIGKILL)


class Smsc(Process):
    """The simulated SMSC."""

    def __init__(self, binary, *options, listen="127.0.0.1", port=0):
        super().__init__(binary, "simulate", "smsc", "--listen", f"{listen}:{port}", *options, stdout=subprocess.PIPE)
        self.port = int(json.loads(self.process.stdout.readline())["address"].rsplit(":", 1)[1])

    def summary(self):
        """Ends it. What it saw, by its own account."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=60)
        Process.running.remove(self)
        return json.loads(out.splitlines()[-1])


class Server:
    """A server, its operator, and one account that may send without end. It may be started and stopped many times over
    one directory."""

    def __init__(
        self, binary, directory, smsc_port, window=200, settings="", log_directory=None, rate=0, api="", store=None
    ):
        self.binary, self.directory = binary, directory
        self.api, self.admin = free_port(), free_port()
        self.log = os.path.join(log_directory or directory, "server.log")
        self.config = os.path.join(log_directory or directory, "smsfactory.toml")
        with open(self.config, "w") as file:
            file.write(f"""
[api]
listen = "127.0.0.1:{self.api}"
{api}
[admin]
listen = "127.0.0.1:{self.admin}"
[store]
url = "{store or f"sqlite:{directory}/smsfactory.db"}"
[limits]
message_per_minute = 4000000000
broadcast_per_minute = 4000000000
daily_quota = 4000000000
{settings}
[[carrier]]
name = "main"
host = "127.0.0.1"
port = {smsc_port}
system_id = "harness"
window = {window}
rate = {rate}
reconnect_floor_ms = 100
reconnect_ceiling_ms = 500
""")
        self.process = None

    def start(self, seconds=120):
        environment = dict(os.environ, SMSFACTORY_ADMIN_TOKEN=TOKEN, SMSFACTORY_KEYS_PEPPER="pepper" * 8)
        began = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = Process(self.binary, "serve", "--config", self.config, env=environment, stderr=log)
        wait_for(f"the server's start (see {self.log})", self.is_ready, seconds)
        return time.monotonic() - began

    def is_ready(self):
        if not self.process.is_running():
            raise SystemExit(
                f"the server ended with {self.process.process.returncode}: see {self.log}\n{tail(self.log)}"
            )
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/readyz", timeout=10).status == 200
        except OSError:
            return False

    def ask(self, method, path, body=None):
        """The admin API."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.admin}/admin/v1{path}", method=method, data=data, headers=headers
        )
        return json.load(urllib.request.urlopen(request, timeout=30))

    def ask_empty(self, method, path):
        """The admin API, where the answer is empty."""
        headers = {"authorization": f"Bearer {TOKEN}"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.admin}/admin/v1{path}", method=method, headers=headers
        )
        urllib.request.urlopen(request, timeout=30).close()

    def account(self, number=NUMBER):
        """Makes an account with this number. Returns what its client sends as Basic credentials."""
        account = self.ask("POST", "/accounts", {"name": "harness"})["id"]
        self.ask("POST", "/numbers", {"number": number, "accountId": account})
        key = self.ask("POST", f"/accounts/{account}/keys", {})
        return base64.b64encode(f"{key['keyId']}:{key['keySecret']}".encode()).decode()

    def carrier(self):
        return self.ask("GET", "/carriers")["data"][0]

    def wait_until_bound(self):
        wait_for("the bind", lambda: self.carrier()["state"] == "bound")


def tail(path, lines=15):
    with open(path, errors="replace") as file:
        return "".join(file.readlines()[-lines:])
