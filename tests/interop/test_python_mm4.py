"""The server with an MMSC that is not ours: what clients post arrives there as mail that Python's email reads, and what
it answers and reports is understood."""

import email.utils
import hashlib
import http.server
import itertools
import os
import threading
import unittest
import zlib
from xml.etree import ElementTree

from python_mm4 import OURS, THEIRS, Mm4Mmsc, make_certificate
from support import BINARY, EVERY_KIND, NAME, NUMBER, PATIENCE, ROOT, SHORT_CODE, Case, Client

from harness import Server, free_port  # It lies next to the scripts, where `support` looks.


def png(width, height):
    """A picture."""

    def chunk(kind, octets):
        return len(octets).to_bytes(4, "big") + kind + octets + zlib.crc32(kind + octets).to_bytes(4, "big")

    # Noise, so that it is as long as it is large, with every octet and with lines that begin with a dot.
    rows = b"".join(
        b"\0" + b"".join(hashlib.sha256(b"%d %d" % (row, column)).digest()[:3] for column in range(width))
        for row in range(height)
    )
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


def sample(name):
    with open(os.path.join(ROOT, "crates", "fetch", "tests", "media", name), "rb") as file:
        return file.read()


# One of each type, and one that is large.
MEDIA = {
    "/photo.jpg": ("image/jpeg", sample("photo.jpg")),
    "/picture.png": ("image/png", sample("picture.png")),
    "/animated.gif": ("image/gif", sample("animated.gif")),
    "/small.mp4": ("video/mp4", sample("small.mp4")),
    "/video.mpg": ("video/mpeg", sample("video.mpg")),
    "/tagged.mp3": ("audio/mpeg", sample("tagged.mp3")),
    "/document.pdf": ("application/pdf", sample("document.pdf")),
    "/card4.vcf": ("text/vcard", sample("card4.vcf")),
    "/large.png": ("image/png", png(400, 400)),
}

TEXTS = {
    "no text": None,
    "text": "Hello",
    "text of the world": "Grüße 👋🏽 Привет 世界",
    "text with dots": ".\r\n..\n.hidden\n" + "word " * 200,
}


class Media(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        content_type, octets = MEDIA[self.path]
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_):
        pass


class MmsClient(Client):
    """A client of a server whose one carrier for MMS is an MMSC."""

    def __init__(self, directory, mmsc_port, listen, media_port, lines=""):
        tables = f"""read_per_minute = 4000000000
[media]
directory = "{directory}/media"
allow_networks = ["127.0.0.0/8"]
ports = [{media_port}]
[[carrier]]
name = "mmsc"
kind = "mm4"
host = "127.0.0.1"
port = {mmsc_port}
domain = "{OURS}"
peer_domain = "{THEIRS}"
rate = 0
max_bytes = 1000000
listen = "127.0.0.1:{listen}"
{lines}
[[route]]
prefix = "+1"
carriers = ["mmsc"]
"""
        self.server = Server(BINARY, directory, free_port(), settings=tables, api=EVERY_KIND)
        self.server.start(PATIENCE)
        self.credentials = self.server.account()

    def send_mms(self, recipient, text, media_url, sender=NUMBER):
        message = {"to": recipient, "from": sender, "messageType": "MMS", "body": text, "mediaUrl": media_url}
        return self.ask("POST", "/message", {key: value for key, value in message.items() if value is not None})["id"]


# What the MMSC does with a message for a number that ends so, and what its status becomes.
VERDICTS = {
    "01": ({"res": "Ok", "report": "Retrieved"}, "delivered"),
    "02": ({"res": "0", "report": "RETRIEVED"}, "delivered"),
    "03": ({"res": "Ok", "report": "Rejected"}, "undelivered"),
    "04": ({"res": "Ok", "report": "Expired"}, "undelivered"),
    "05": ({"res": "Ok"}, "sent"),
    "06": ({"res": "Error-sending-address-unresolved"}, "failed"),
    "07": ({"res": "Error-service-denied"}, "failed"),
    "08": ({"smtp": "550 5.1.1 no such subscriber"}, "failed"),
    "09": ({"smtp": "554 5.7.1 no"}, "failed"),
    # The report is quicker than the answer.
    "10": ({"report": "Retrieved", "res": "Ok"}, "delivered"),
}


def verdict(mail):
    return VERDICTS.get(str(mail["To"]).partition("/")[0][-2:], VERDICTS["01"])[0]


class ToThePythonMm4Mmsc(Case):
    def setUp(self):
        super().setUp()
        media = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Media)
        self.addCleanup(media.server_close)
        self.addCleanup(media.shutdown)
        threading.Thread(target=media.serve_forever, daemon=True).start()
        self.media_port = media.server_port
        self.media = f"http://127.0.0.1:{media.server_port}"

    def meet(self, tls=None):
        """Brings the server and the MMSC together."""
        listen, lines = free_port(), 'starttls = "never"'
        if tls:
            lines = (
                f'starttls = "required"\ntls_ca = "{tls[0]}"\nlisten_tls_cert = "{tls[0]}"\nlisten_tls_key = "{tls[1]}"'
            )
        self.mmsc = Mm4Mmsc(verdict, free_port(), listen, tls)
        self.addCleanup(self.mmsc.close)
        self.client = MmsClient(self.directory, self.mmsc.port, listen, self.media_port, lines)

    def wait_for_status(self, message, status):
        def has_it():
            self.assertEqual(self.mmsc.failures, [])
            return self.client.status(message) == status

        self.wait_for(f"the status {status}", has_it)

    def forwarded_to(self, recipient):
        return [mail for mail in self.mmsc.forwarded if str(mail["To"]).startswith(recipient)]

    def test_what_is_posted_arrives_whole_and_becomes_delivered(self):
        self.meet()
        sent = {}
        for (kind, text), path in itertools.product(TEXTS.items(), [None, *MEDIA]):
            if text is None and path is None:
                continue
            recipient = f"+1800555{len(sent):02}01"
            sent[recipient] = (kind, text, path, self.client.send_mms(recipient, text, path and self.media + path))
        for recipient, (kind, text, path, message) in sent.items():
            with self.subTest(text=kind, media=path):
                self.wait_for_status(message, "delivered")
                [mail] = self.forwarded_to(recipient)
                self.assert_headers(recipient, mail)
                self.assert_parts(mail, text, path)
        self.wait_for("an answer to every report", lambda: len(self.mmsc.answers) == len(sent))
        self.assert_answers()
        self.assert_mails()

    def test_a_short_code_has_no_plus_and_a_name_is_refused(self):
        self.meet()
        self.client.provide(SHORT_CODE, NAME)
        coded, named = "+18005550001", "+18005550101"
        self.wait_for_status(self.client.send_mms(coded, "hello", None, SHORT_CODE), "delivered")
        [mail] = self.forwarded_to(coded)
        self.assertEqual(str(mail["From"]), f"{SHORT_CODE}/TYPE=PLMN@{OURS}")
        self.wait_for_status(self.client.send_mms(named, "hello", None, NAME), "failed")
        self.assertEqual(self.forwarded_to(named), [])

    def assert_headers(self, recipient, mail):
        expected = {
            "X-Mms-3GPP-MMS-Version": "6.10.0",
            "X-Mms-Message-Type": "MM4_forward.REQ",
            "X-Mms-Ack-Request": "Yes",
            "X-Mms-Delivery-Report": "Yes",
            "X-Mms-Read-Reply": "No",
            "X-Mms-Originator-System": f"system@{OURS}",
            "Sender": f"system@{OURS}",
            "X-Mms-Message-Class": "Personal",
            "From": f"{NUMBER}/TYPE=PLMN@{OURS}",
            "To": f"{recipient}/TYPE=PLMN@{THEIRS}",
            "MIME-Version": "1.0",
        }
        self.assertEqual({name: str(mail[name]) for name in expected}, expected)
        self.assertRegex(str(mail["X-Mms-Transaction-ID"]), r"^[0-9a-f]{32}\.1$")
        self.assertEqual(str(mail["X-Mms-Message-ID"]), f"{mail['X-Mms-Transaction-ID']}@{OURS}")
        self.assertRegex(str(mail["X-Mms-Expiry"]), r"^\d+$")
        self.assertIsNotNone(email.utils.parsedate_to_datetime(str(mail["Date"])))
        self.assertEqual(len(mail.keys()), len(set(mail.keys())), "no header twice")

    def assert_parts(self, mail, text, path):
        self.assertEqual([part.defects for part in mail.walk() if part.defects], [])
        self.assertEqual((mail.get_content_type(), mail.get_param("type")), ("multipart/related", "application/smil"))
        root, *others = mail.iter_parts()
        by_id = {str(part["Content-ID"]): part for part in others}
        self.assertEqual(
            (root.get_content_type(), str(root["Content-ID"])), ("application/smil", mail.get_param("start"))
        )
        shown = [
            element.get("src") for element in ElementTree.fromstring(root.get_content()).iter() if element.get("src")
        ]
        self.assertEqual(sorted(f"<{source.removeprefix('cid:')}>" for source in shown), sorted(by_id))
        if text is not None:
            part = by_id.pop("<text>")
            self.assertEqual((part.get_content_type(), part.get_content_charset()), ("text/plain", "utf-8"))
            self.assertEqual(part.get_payload(decode=True).decode(), text)
        if path is not None:
            content_type, octets = MEDIA[path]
            part = by_id.pop("<media>")
            self.assertEqual(part.get_content_type(), content_type)
            self.assertEqual(
                hashlib.sha256(part.get_payload(decode=True)).hexdigest(), hashlib.sha256(octets).hexdigest()
            )
        self.assertEqual(by_id, {})

    def assert_answers(self):
        for answer in self.mmsc.answers:
            self.assertEqual(answer.defects, [])
            self.assertEqual(
                (str(answer["X-Mms-Message-Type"]), str(answer["X-Mms-Request-Status-Code"])),
                ("MM4_delivery_report.RES", "Ok"),
            )
            self.assertEqual((str(answer["To"]), str(answer["Sender"])), (f"system@{THEIRS}", f"system@{OURS}"))
        ids = [
            sorted(str(mail["X-Mms-Message-ID"]) for mail in mails)
            for mails in (self.mmsc.forwarded, self.mmsc.answers)
        ]
        self.assertEqual(ids[0], ids[1])

    def assert_mails(self):
        self.assertEqual({envelope.mail_from for envelope in self.mmsc.envelopes}, {f"system@{OURS}"})
        for envelope in self.mmsc.envelopes:
            self.assertEqual(len(envelope.rcpt_tos), 1)
            self.assertTrue(envelope.content.isascii())
            self.assertLessEqual(max(map(len, envelope.content.split(b"\r\n"))), 998)
            self.assertNotIn(b"\n", envelope.content.replace(b"\r\n", b""))

    def test_what_the_mmsc_says_becomes_the_status_of_the_message(self):
        self.meet()
        sent = {ending: self.client.send_mms(f"+18005550{ending}", "hello", None) for ending in VERDICTS}
        for ending, message in sent.items():
            with self.subTest(**VERDICTS[ending][0]):
                self.wait_for_status(message, VERDICTS[ending][1])
        self.assertEqual(self.mmsc.failures, [])

    def test_both_talk_over_starttls(self):
        self.meet(make_certificate(self.directory))
        message = self.client.send_mms("+18005550001", "hello", self.media + "/photo.jpg")
        self.wait_for_status(message, "delivered")
        self.wait_for("the answer to the report", lambda: self.mmsc.answers)
        self.assertEqual(self.client.end(), 0)
        self.assertEqual(self.mmsc.failures, [])


if __name__ == "__main__":
    unittest.main()
