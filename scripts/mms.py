"""What the crash proof needs for MMS: media that are like no others, the simulated MMSC, and a server that is connected
to it twice."""

import collections
import hashlib
import http.server
import json
import os
import random
import struct
import subprocess
import threading
import zlib

from harness import NUMBER, Process, Server, free_port

MM4_PREFIX, MM7_PREFIX = "+1212", "+1313"


def picture(number):
    """A PNG that no other number has, from a few hundred octets to a few hundred thousand."""
    chance = random.Random(number)
    side = chance.choice([8, 64, 200, 340])
    rows = b"".join(b"\0" + chance.randbytes(3 * side) for _ in range(side))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


class Media(http.server.ThreadingHTTPServer):
    """A server of pictures by number."""

    daemon_threads = True

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = picture(int(self.path.strip("/").removesuffix(".png")))
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    def handle_error(self, request, client_address):
        """A server that is killed while it fetches hangs up, which is what this is for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, number):
        return f"http://127.0.0.1:{self.port}/{number}.png"


class Mmsc(Process):
    """The simulated MMSC."""

    def __init__(self, binary, log, reply_to, report_to, *options):
        listen = ["--listen-mm4", "127.0.0.1:0", "--listen-mm7", "127.0.0.1:0"]
        listen += ["--reply-to", f"127.0.0.1:{reply_to}", "--report-to", f"http://127.0.0.1:{report_to}/mm7"]
        super().__init__(
            binary, "simulate", "mmsc", *listen, "--log", log, "--log-text", *options, stdout=subprocess.PIPE
        )
        ports = json.loads(self.process.stdout.readline())
        self.mm4, self.mm7 = (ports[name].rsplit(":", 1)[1] for name in ("mm4", "mm7"))
        self.log = log

    def taken(self):
        """How often it took each text, and with which hashes of media."""
        times, hashes = collections.Counter(), {}
        with open(self.log) as log:
            for line in log:
                event = json.loads(line)
                if event["event"] == "taken":
                    times[event["text"]] += 1
                    hashes.setdefault(event["text"], set()).update(media["sha256"] for media in event["media"])
        return times, hashes


def server(binary, directory, smsc_port, media, mmsc_log, window):
    """A server whose MMS go to one simulated MMSC, by MM4 or MM7 as the number begins, and that MMSC."""
    reply_to, report_to = free_port(), free_port()
    delays = ["--response-delay-ms", "0..20", "--answer-delay-ms", "0..50", "--report-delay-ms", "0..100"]
    mmsc = Mmsc(binary, mmsc_log, reply_to, report_to, *delays)
    settings = f"""
[media]
directory = "{directory}/media"
allow_networks = ["127.0.0.0/8"]
ports = [{media.port}]
fetches_per_account = 64
[[route]]
type = "SMS"
carriers = ["main"]
[[route]]
type = "MMS"
prefix = "{MM4_PREFIX}"
carriers = ["mm4"]
[[route]]
type = "MMS"
carriers = ["mm7"]
[[carrier]]
name = "mm4"
kind = "mm4"
host = "127.0.0.1"
port = {mmsc.mm4}
domain = "mms.smsfactory.example"
peer_domain = "mms.simulator.example"
listen = "127.0.0.1:{reply_to}"
window = {window}
rate = 0
reconnect_floor_ms = 100
reconnect_ceiling_ms = 500
[[carrier]]
name = "mm7"
kind = "mm7"
url = "http://127.0.0.1:{mmsc.mm7}/mm7"
listen = "127.0.0.1:{report_to}"
listen_path = "/mm7"
window = {window}
rate = 0
reconnect_floor_ms = 100
reconnect_ceiling_ms = 500
"""
    return Server(binary, directory, smsc_port, window, settings, log_directory=directory), mmsc


def carrier_of_node(mmsc, listen):
    """The carrier of one of several nodes to which all MMS go. Reports may come to any of them. An answer would have to
    come to the one that waits for it, and is not waited for."""
    return f"""
[[carrier]]
name = "mm4"
kind = "mm4"
host = "127.0.0.1"
port = {mmsc.mm4}
domain = "mms.smsfactory.example"
peer_domain = "mms.simulator.example"
listen = "127.0.0.1:{listen}"
wait_for_response = false
rate = 0
reconnect_floor_ms = 100
reconnect_ceiling_ms = 500
[[route]]
type = "MMS"
carriers = ["mm4"]
"""


def message(number, media):
    """A message with a picture of its own, and its text."""
    text = f"number {number}"
    prefix = MM4_PREFIX if number % 2 else MM7_PREFIX
    return text, {"to": f"{prefix}{number:07}", "from": NUMBER, "body": text, "mediaUrl": media.url(number)}


def wrong_media(hashes):
    """Texts that came with other media than their own."""
    expected = lambda text: {hashlib.sha256(picture(int(text.removeprefix("number ")))).hexdigest()}
    return [text for text, found in hashes.items() if found != expected(text)]


def kept_files(directory):
    """The files of media that lie there whole or half."""
    return sum(len(names) for _, _, names in os.walk(os.path.join(directory, "media")))
