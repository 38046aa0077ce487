"""A world for test_dns.py, made in namespaces that end with it: a name server, servers that count, and the machine's
own files. Prints what happened, as JSON.

unshare --net --mount python3 dns_world.py SMSFACTORY FETCH
"""

import http.server
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ALLOWED, FORBIDDEN, PROXY, PORT = "127.0.0.2", "127.0.0.3", "127.0.0.4", 8080
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
with open(os.path.join(ROOT, "crates", "fetch", "tests", "media", "picture.png"), "rb") as picture:
    PICTURE = picture.read()

A, CNAME, AAAA = 1, 5, 28

# What each name answers, one list after the other; the last for good. `None` is no answer at all.
NAMES = {
    "public.example.com.": [["93.184.216.34", "2606:2800:220:1::1"]],
    "mixed.example.com.": [["93.184.216.34", "10.0.0.1"]],
    "mixed6.example.com.": [["93.184.216.34", "::1"]],
    "alias.example.com.": [["=inside.example.net.", "10.0.0.7"]],
    "wiki.intranet.corp.example.": [[ALLOWED]],
    "wiki.corp.example.": [[ALLOWED]],
    "hosted.example.com.": [[ALLOWED]],
    "rebinding.example.com.": [[ALLOWED], [FORBIDDEN]],
    "moved.example.com.": [[ALLOWED], [FORBIDDEN]],
    "silent.example.com.": [None],
}


class NameServer(threading.Thread):
    """Answers over UDP. A and AAAA of a name are asked for at once, and count as one question."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.asked = []

    def run(self):
        while True:
            packet, peer = self.socket.recvfrom(2048)
            if answer := self.answer(packet):
                self.socket.sendto(answer, peer)

    def answer(self, packet):
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1 : at + 1 + packet[at]].decode().lower())
            at += 1 + packet[at]
        name, (kind,) = ".".join([*labels, ""]), struct.unpack("!H", packet[at + 1 : at + 3])
        self.asked.append((name, kind))
        answers = NAMES.get(name)
        turn = self.asked.count((name, kind)) - 1
        given = answers[min(turn, len(answers) - 1)] if answers else []
        if given is None:
            return b""
        records = records_of(given, kind)
        code = 0 if answers else 3
        head = packet[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        return head + packet[12 : at + 5] + b"".join(records)


def records_of(values, kind):
    """Records with no time to live, of the kind that is asked for. `=` begins an alias, which is told with every kind;
    what follows it is the alias's."""
    records, owner = [], b"\xc0\x0c"
    for value in values:
        if value.startswith("="):
            alias = wire_name(value[1:])
            records.append(record(owner, CNAME, alias))
            owner = alias
            continue
        family, of = (socket.AF_INET6, AAAA) if ":" in value else (socket.AF_INET, A)
        if of == kind:
            records.append(record(owner, kind, socket.inet_pton(family, value)))
    return records


def record(owner, kind, data):
    return owner + struct.pack("!HHIH", kind, 1, 0, len(data)) + data


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))


class Counting(http.server.ThreadingHTTPServer):
    """Redirects /again to /picture, has a picture everywhere else, and counts its connections."""

    daemon_threads = True

    def __init__(self, address):
        super().__init__((address, PORT), Pictures)
        self.accepted = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def get_request(self):
        request = super().get_request()
        self.accepted += 1
        return request


class Pictures(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        again = self.path == "/again"
        self.send_response(302 if again else 200)
        self.send_header("Location" if again else "Content-Type", "/picture" if again else "image/png")
        self.send_header("Content-Length", "0" if again else str(len(PICTURE)))
        self.end_headers()
        self.wfile.write(b"" if again else PICTURE)

    def log_message(self, *_):
        pass


def mount_over(path, text):
    with tempfile.NamedTemporaryFile("w", delete=False, encoding="ascii") as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    subprocess.run(["mount", "--bind", file.name, path], check=True)


def main():
    smsfactory, fetch = sys.argv[1:]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    mount_over("/etc/resolv.conf", "nameserver 127.0.0.1\nsearch corp.example\noptions ndots:3\n")
    mount_over("/etc/hosts", f"127.0.0.1 localhost\n{FORBIDDEN} hosted.example.com\n")
    names = NameServer()
    names.start()
    servers = {"allowed": Counting(ALLOWED), "forbidden": Counting(FORBIDDEN), "proxy": Counting(PROXY)}
    proxy = f"http://{PROXY}:{PORT}"
    environment = dict(
        os.environ, HTTP_PROXY=proxy, http_proxy=proxy, HTTPS_PROXY=proxy, ALL_PROXY=proxy, all_proxy=proxy
    )
    seen = {}

    def scenario(name, *command):
        before, asked, start = (
            {key: server.accepted for key, server in servers.items()},
            len(names.asked),
            time.monotonic(),
        )
        ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        questions = names.asked[asked:]
        kinds = [kind for _, kind in questions]
        seen[name] = {
            "told": ended.stdout.strip() or ended.stderr.strip(),
            # Questions of the kind that was asked for most: a name that was asked for twice stands here twice.
            "asked": [name for name, kind in questions if kinds and kind == max(set(kinds), key=kinds.count)],
            "seconds": time.monotonic() - start,
            **{key: server.accepted - before[key] for key, server in servers.items()},
        }

    def check(name, host):
        scenario(name, smsfactory, "check-url", f"http://{host}/")

    def get(name, host, path="/picture"):
        scenario(name, fetch, f"{ALLOWED}/32", str(PORT), f"http://{host}:{PORT}{path}")

    check("public", "public.example.com")
    check("mixed", "mixed.example.com")
    check("mixed6", "mixed6.example.com")
    check("alias", "alias.example.com")
    check("searched", "wiki.intranet")
    check("searched-label", "wiki")
    get("hosts", "hosted.example.com")
    get("rebinding", "rebinding.example.com")
    get("rebinding-redirect", "moved.example.com", "/again")
    get("unknown", "unknown.example.com")
    get("silent", "silent.example.com")
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
