"""The server as VASP of an MMSC that is not ours: what clients post with media arrives there octet for octet, in an
envelope that lxml and a schema agree to, and becomes what the MMSC reports."""

import hashlib
import http.server
import os
import threading
import unittest

from python_mmsc import RELEASES, PythonMmsc
from support import BINARY, EVERY_KIND, NAME, NUMBER, PATIENCE, ROOT, SHORT_CODE, Case, Client

from harness import Server, free_port  # It lies next to the scripts, where `support` looks.

MEDIA = os.path.join(ROOT, "crates", "fetch", "tests", "media")

# The ways in which MMSCs want to be talked to: the release, and the lines of the carrier's table.
DIALECTS = {
    "/plain": ("REL-5-MM7-1-0", ""),
    "/prefixed": (
        "REL-6-MM7-1-4",
        'namespace = "REL-6-MM7-1-4"\nmm7_version = "6.8.0"\nprefix = true\nvalidity = "absolute"\nkeep_alive_secs = 0',
    ),
    "/full": (
        "REL-5-MM7-1-3",
        'namespace = "REL-5-MM7-1-3"\nvasp_id = "TNN"\nvas_id = "News & <more>"\nservice_code = "gold"\n'
        'message_class = "Informational"\npriority = "High"\n'
        'charged_party = "Sender"\ndistribution_indicator = false\nallow_adaptations = true\nkeep_plus = false',
    ),
}

# What becomes of a message, by the end of its recipient's number.
FATES = {
    "991": (200, 1000, "Expired"),
    "992": (500, 2003, None),
    "993": (200, None, None),
    "994": (200, 1000, "Rejected"),
}


def answer(_path, recipient):
    return FATES.get(recipient[-3:], (200, 1000, "Retrieved"))


class MediaServer:
    """Serves the samples of media."""

    def __init__(self):
        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=MEDIA)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class MmsClient(Client):
    """A client of a server that has one MM7 carrier for each dialect, chosen by the number."""

    def __init__(self, directory, mmsc, media_port):
        tables = f'[media]\ndirectory = "{directory}/media"\nallow_networks = ["127.0.0.0/8"]\nports = [{media_port}]\n'
        self.prefixes = {}
        for digit, (path, (_, lines)) in enumerate(DIALECTS.items()):
            listen, name, prefix = free_port(), path.strip("/"), f"+1800555{digit}"
            mmsc.listeners[path] = (listen, f"mmsc:{name}")
            self.prefixes[path] = prefix
            tables += f'[[carrier]]\nname = "{name}"\nkind = "mm7"\nurl = "http://127.0.0.1:{mmsc.port}{path}"\n'
            tables += f'username = "vasp"\npassword = "{name}"\nrate = 0\nlisten = "127.0.0.1:{listen}"\n'
            tables += f'listen_username = "mmsc"\nlisten_password = "{name}"\n{lines}\n'
            tables += f'[[route]]\nprefix = "{prefix}"\ntype = "MMS"\ncarriers = ["{name}"]\n'
        self.server = Server(BINARY, directory, free_port(), settings=tables, api=EVERY_KIND)
        self.server.start(PATIENCE)
        self.credentials = self.server.account()
        self.media = f"http://127.0.0.1:{media_port}"

    def send_mms(self, recipient, text, file, sender=NUMBER):
        body = {
            "to": recipient,
            "from": sender,
            "body": text,
            "messageType": "MMS",
            "mediaUrl": file and f"{self.media}/{file}",
        }
        return self.ask("POST", "/message", {key: value for key, value in body.items() if value})["id"]


class ToPythonMmsc(Case):
    def setUp(self):
        super().setUp()
        self.mmsc = PythonMmsc({path: release for path, (release, _) in DIALECTS.items()}, answer, early=("/prefixed",))
        self.addCleanup(self.mmsc.close)
        media = MediaServer()
        self.addCleanup(media.close)
        self.client = MmsClient(self.directory, self.mmsc, media.port)

    def submitted_to(self, recipient):
        found = [
            submission
            for submission in self.mmsc.submitted
            if submission.envelope.text("Recipients", "To", "Number").lstrip("+") == recipient[1:]
        ]
        self.assertEqual(len(found), 1, recipient)
        return found[0]

    def test_what_is_posted_arrives_as_it_was_and_becomes_delivered(self):
        files = [None, *(name for name in sorted(os.listdir(MEDIA)) if os.path.isfile(os.path.join(MEDIA, name)))]
        texts = ["Grüße & <mehr> 👋🏽\nzweite Zeile", None]
        sent = {}
        for path, prefix in self.client.prefixes.items():
            for file in files:
                for text in texts if file else texts[:1]:
                    recipient = f"{prefix}{len(sent):03}"
                    sent[recipient] = (path, text, file, self.client.send_mms(recipient, text, file))
        for recipient, (path, text, file, message) in sent.items():
            with self.subTest(path=path, file=file, text=text):
                self.wait_for(f"{file} over {path}", lambda: self.client.status(message) == "delivered")
                submission = self.submitted_to(recipient)
                self.assertEqual((submission.path, submission.defects), (path, []))
                self.assert_content(submission, text, file)
                self.assert_envelope(submission, recipient)
        self.assertEqual(self.mmsc.failures, [])
        self.wait_for("an answer to every report", lambda: len(self.mmsc.reported) >= len(sent))
        self.assertEqual(self.mmsc.reported, [(200, "DeliveryReportRsp", "1000", True)] * len(sent))
        self.assertEqual(self.client.end(), 0)

    def assert_content(self, submission, text, file):
        self.assertEqual((submission.content_type, submission.start), ("multipart/related", "<smil>"))
        self.assertEqual(set(submission.parts), {"smil", *(["text"] if text else []), *(["media"] if file else [])})
        self.assertEqual(set(submission.shown().values()), set(submission.parts) - {"smil"})
        if text:
            self.assertEqual(submission.octets("text").decode(), text)
            self.assertEqual(submission.parts["text"].get_content_charset(), "utf-8")
        if file:
            with open(os.path.join(MEDIA, file), "rb") as original:
                wanted = original.read()
            self.assertEqual(hashlib.sha256(submission.octets("media")).hexdigest(), hashlib.sha256(wanted).hexdigest())

    def assert_envelope(self, submission, recipient):
        envelope, full = submission.envelope, submission.path == "/full"
        self.assertEqual(envelope.namespace, RELEASES + DIALECTS[submission.path][0])
        number = (lambda number: number.lstrip("+")) if full else str
        self.assertEqual(envelope.text("SenderIdentification", "SenderAddress", "Number"), number(NUMBER))
        self.assertEqual(envelope.text("Recipients", "To", "Number"), number(recipient))
        self.assertEqual(envelope.text("DeliveryReport"), "true")
        self.assertEqual(envelope.text("MM7Version"), "6.8.0" if submission.path == "/prefixed" else "5.3.0")
        self.assertRegex(envelope.text("ExpiryDate"), r"^\d{4}-.*Z$" if submission.path == "/prefixed" else r"^PT\d+S$")
        self.assertEqual(envelope.text("SenderIdentification", "VASID"), "News & <more>" if full else None)
        self.assertEqual(envelope.text("ChargedParty"), "Sender" if full else None)
        self.assertEqual(envelope.said.prefix, "mm7" if submission.path == "/prefixed" else None)
        self.assertEqual(submission.headers["SOAPAction"], '""')
        self.assertTrue(submission.headers["Authorization"].startswith("Basic "))

    def test_short_codes_and_names_stand_in_the_element_of_service_providers(self):
        self.client.provide(SHORT_CODE, NAME)
        for digit, sender in enumerate((SHORT_CODE, NAME)):
            for path, prefix in self.client.prefixes.items():
                with self.subTest(path=path, sender=sender):
                    recipient = f"{prefix}0{digit}0"
                    message = self.client.send_mms(recipient, "hello", "picture.png", sender)
                    self.wait_for(f"{sender} over {path}", lambda: self.client.status(message) == "delivered")
                    envelope = self.submitted_to(recipient).envelope
                    self.assertEqual(envelope.text("SenderIdentification", "SenderAddress", "ShortCode"), sender)
                    self.assertIsNone(envelope.text("SenderIdentification", "SenderAddress", "Number"))
        self.assertEqual(self.mmsc.failures, [])

    def test_a_message_becomes_what_the_mmsc_says_of_it(self):
        for path, prefix in self.client.prefixes.items():
            for ending, status in [("991", "undelivered"), ("992", "failed"), ("993", "sent"), ("994", "undelivered")]:
                with self.subTest(path=path, ending=ending):
                    message = self.client.send_mms(f"{prefix}{ending}", "hello", "picture.png")
                    self.wait_for(status, lambda: self.client.status(message) == status)
        self.assertEqual(self.mmsc.failures, [])

    def test_what_is_no_report_is_answered_as_the_schema_wants_it(self):
        # The schema lets a message leave out its recipients. It is kept for the operator then.
        namespace = RELEASES + DIALECTS["/plain"][0]
        for operation, expected in [
            (
                "<DeliverReq xmlns='{}'><MM7Version>5.3.0</MM7Version><Sender><Number>1</Number></Sender>"
                "<Content href='cid:x'/></DeliverReq>",
                (200, "DeliverRsp", "1000"),
            ),
            ("<ReadReplyReq xmlns='{}'><MM7Version>5.3.0</MM7Version></ReadReplyReq>", (500, "VASPErrorRsp", "4003")),
        ]:
            http_status, answer = self.mmsc.post("/plain", self.mmsc.wrap(namespace, "tx", operation.format(namespace)))
            self.assertEqual((http_status, answer.name, answer.text("Status", "StatusCode")), expected)


if __name__ == "__main__":
    unittest.main()
