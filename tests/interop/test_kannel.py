"""Debian's Kannel, an SMS gateway of other people, as a client of the simulated SMSC: its texts are understood, and it
matches our receipts."""

import http.server
import os
import sys
import threading
import unittest
import urllib.parse
import urllib.request

from support import PATIENCE, ROOT, Case

sys.path.insert(0, os.path.join(ROOT, "scripts"))

import kannel  # noqa: E402 (it lies next to the scripts)

ORIGINATOR = "+18005550100"
DELIVERED, UNDELIVERED, ACKNOWLEDGED, REFUSED = "1", "2", "8", "16"


def seen_by(smsc, recipient):
    """The text that the SMSC has of a recipient so far, its segments in their order."""
    lines = [line for line in smsc.seen() if line["destination"] == recipient[1:]]
    lines.sort(key=lambda line: line.get("segment", {}).get("number", 1))
    return "".join(line["text"] for line in lines)


class Reports(http.server.BaseHTTPRequestHandler):
    """Where Kannel reports: what became of which message, in `server.reports`."""

    def do_GET(self):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        self.server.reports.append((query["message"], query["type"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class FromKannel(Case):
    def kannel(self, smsc, **options):
        self.reports = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Reports)
        self.reports.reports = []
        threading.Thread(target=self.reports.serve_forever, daemon=True).start()
        self.addCleanup(self.reports.server_close)
        self.addCleanup(self.reports.shutdown)
        return kannel.Kannel(self.directory, smsc.port, **options)

    def send(self, client, name, text, unicode=False, recipient="+18005551000"):
        """Asks Kannel to send, and to report everything that becomes of it under `name`."""
        report = f"http://127.0.0.1:{self.reports.server_port}/?message={name}&type=%d"
        query = {
            "username": "kannel",
            "password": "kannel",
            "from": ORIGINATOR,
            "to": recipient,
            "text": text,
            "charset": "UTF-8",
            "dlr-mask": "27",
            "dlr-url": report,
        }
        if unicode:
            query["coding"] = "2"
        with urllib.request.urlopen(
            f"http://127.0.0.1:{client.http}/cgi-bin/sendsms?{urllib.parse.urlencode(query)}", timeout=PATIENCE
        ) as answer:
            self.assertEqual(answer.status, 202)

    def wait_for_report(self, name, kind):
        self.wait_for(f"the report {kind} on {name}", lambda: (name, kind) in self.reports.reports)

    def test_texts_arrive_as_written_and_their_receipts_are_matched(self):
        texts = {
            "short": ("Your code is 482910", False),
            "extended": ("Grüße: 10 € [ok] {~|^}\\ @ ÆØÅ", False),
            "emoji": ("Привет, 世界 👋🏽", True),
            "long": ("Ten words that say nothing at all, over and over. " * 8, False),
            "long in UCS-2": ("Длинный текст. " * 10, True),
        }
        smsc = self.smsc()
        client = self.kannel(smsc)
        for number, (name, (text, unicode)) in enumerate(texts.items()):
            recipient = f"+1800555100{number}"
            with self.subTest(name):
                self.send(client, name.replace(" ", "_"), text, unicode, recipient)
                self.wait_for_report(name.replace(" ", "_"), DELIVERED)
                # The report on the first segment may be there before Kannel has sent the last one.
                self.wait_for(f"the whole text {name}", lambda: seen_by(smsc, recipient) == text)
        self.assertIn(("short", ACKNOWLEDGED), self.reports.reports)
        self.assertEqual(smsc.summary()["malformed"], 0)

    def test_every_form_of_receipt_and_of_id_is_matched(self):
        # Kannel's msg-id-type: bit 0 says that acknowledgements have hexadecimal ids, bit 1 that receipts have.
        forms = {
            "text": (["--receipt-format", "text"], ""),
            "tlv": (["--receipt-format", "tlv"], ""),
            "both": (["--receipt-format", "both", "--id-format", "uuid"], ""),
            "payload": (["--receipt-format", "payload"], ""),
            "hex": (
                ["--receipt-format", "text", "--id-format", "hex", "--receipt-id-format", "decimal"],
                "msg-id-type = 1",
            ),
        }
        for form, (options, lines) in forms.items():
            with self.subTest(form):
                client = self.kannel(self.smsc(*options, name=form), smsc_lines=lines)
                self.send(client, form, "hello")
                self.wait_for_report(form, DELIVERED)
                client.stop()

    def test_what_the_smsc_cannot_deliver_or_will_not_take_is_told(self):
        client = self.kannel(self.smsc("--receipts", "undeliv=1"))
        self.send(client, "unreachable", "hello")
        self.wait_for_report("unreachable", UNDELIVERED)
        client.stop()
        client = self.kannel(self.smsc("--reject", "1=ESME_RINVDSTADR", name="rejecting"))
        self.send(client, "refused", "hello")
        self.wait_for_report("refused", REFUSED)

    def test_it_is_throttled_and_loses_nothing(self):
        smsc = self.smsc("--throttle-above", "5", "--receipt-delay-ms", "0..10")
        client = self.kannel(smsc)
        for number in range(12):
            self.send(client, f"message{number}", f"number {number}")
        for number in range(12):
            self.wait_for_report(f"message{number}", DELIVERED)
        self.assertIn("ESME_RTHROTTLED", smsc.summary()["answered"])


if __name__ == "__main__":
    unittest.main()
