"""Multimedia messages of handsets from MMSCs that are not ours: Python's email and smtplib over MM4, http.client and
lxml over MM7. Texts come in the order of the presentation, files octet for octet."""

import base64
import email.message
import email.policy
import hashlib
import http.client
import unittest
import urllib.parse
import urllib.request

from python_mm4 import OURS, THEIRS, Mm4Mmsc
from python_mmsc import RELEASES, Envelope, PythonMmsc
from support import BINARY, NUMBER, PATIENCE, Case, Client
from test_python_mm4 import sample

from harness import Server, free_port  # It lies next to the scripts, where `support` looks.

HANDSET, FRIEND = "+18005551234", "+18005557777"

SMIL = """<smil><head><layout><root-layout width="320" height="480"/></layout></head><body>
<par dur="5s"><img src="cid:photo"/><text src="cid:first"/></par>
<par dur="5s"><text src="cid:second"/><audio src="voice.amr"/></par></body></smil>"""

TEXTS = ["Grüße 👋🏽 aus Zürich", "zweite Seite"]
PHOTO, VOICE = sample("photo.jpg"), b"#!AMR\n" + bytes(range(256)) * 8
FILES = [("image/jpeg", PHOTO), ("audio/amr", VOICE)]


def content():
    """The parts of a message, which stand in another order than they are shown in."""
    whole = email.message.EmailMessage(policy=email.policy.SMTP)
    whole.set_content(TEXTS[1], charset="utf-8", cid="<second>")
    whole.make_related()
    whole.add_related(VOICE, "audio", "amr", headers=["Content-Location: voice.amr"])
    whole.add_related(PHOTO, "image", "jpeg", cid="<photo>")
    whole.add_related(TEXTS[0], charset="utf-8", cid="<first>")
    whole.add_related(SMIL, subtype="smil", cid="<start>")
    whole.replace_header("Content-Type", str(whole["Content-Type"]))
    whole.set_param("type", "application/smil")
    whole.set_param("start", "<start>")
    for part in whole.iter_parts():
        if part.get_content_type() == "text/smil":
            part.set_type("application/smil")
    return whole


class InboundMms(Case):
    def start(self, tables):
        """A server of ours with these carriers, and a client of its API."""
        settings = f'read_per_minute = 4000000000\n[media]\ndirectory = "{self.directory}/media"\n{tables}'
        self.client = Client.__new__(Client)
        self.client.server = Server(BINARY, self.directory, free_port(), settings=settings)
        self.client.server.start(PATIENCE)
        self.client.credentials = self.client.server.account()
        self.addCleanup(self.client.end)

    def inbound(self):
        return self.client.ask("GET", "/message?direction=inbound")["data"]

    def file(self, url, authorization=None):
        """What is at the place of a file of a message."""
        path = urllib.parse.urlsplit(url)._replace(scheme="", netloc="").geturl()
        request = urllib.request.Request(f"http://127.0.0.1:{self.client.server.api}{path}")
        if authorization:
            request.add_header("authorization", f"Basic {authorization}")
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.headers, answer.read()

    def is_as_it_was_sent(self, message):
        self.assertEqual((message["messageType"], message["from"], message["to"]), ("MMS", HANDSET, NUMBER))
        self.assertEqual(message["body"], "\n".join(TEXTS))
        listed = [(file["contentType"], file["bytes"], file["sha256"]) for file in message["media"]]
        self.assertEqual(listed, [(kind, len(octets), hashlib.sha256(octets).hexdigest()) for kind, octets in FILES])
        for (_, octets), file, shown in zip(FILES, message["media"], ["inline", "attachment"]):
            headers, found = self.file(file["url"])
            self.assertEqual((found, headers["x-content-type-options"]), (octets, "nosniff"))
            self.assertEqual((headers["content-disposition"] or "inline").split(";")[0], shown)


class OverMm4(InboundMms):
    def setUp(self):
        super().setUp()
        listen = free_port()
        self.mmsc = Mm4Mmsc(lambda _: {"res": "Ok"}, free_port(), listen)
        self.addCleanup(self.mmsc.close)
        self.start(
            f'[[carrier]]\nname = "mmsc"\nkind = "mm4"\nhost = "127.0.0.1"\nport = {self.mmsc.port}\n'
            f'domain = "{OURS}"\npeer_domain = "{THEIRS}"\nlisten = "127.0.0.1:{listen}"\n'
        )

    def forward(self, transaction, *recipients):
        mail = content()
        for name, value in {
            "X-Mms-3GPP-MMS-Version": "6.10.0",
            "X-Mms-Message-Type": "MM4_forward.REQ",
            "X-Mms-Transaction-ID": transaction,
            "X-Mms-Message-ID": f"{transaction}@{THEIRS}",
            "X-Mms-Ack-Request": "Yes",
            "X-Mms-Originator-System": f"system@{THEIRS}",
            "From": f"{HANDSET}/TYPE=PLMN@{THEIRS}",
            "To": ", ".join(f"{recipient}/TYPE=PLMN@{OURS}" for recipient in recipients),
            "Date": "Thu, 26 Nov 2026 20:00:00 +0000",
        }.items():
            mail[name] = value
        return mail

    def test_a_forwarded_message_is_answered_once_it_is_there(self):
        self.mmsc.bring(self.forward("tx-1", NUMBER))
        answer = self.wait_for("the answer", lambda: self.mmsc.answers)[0]
        self.assertEqual(
            [str(answer[name]) for name in ("X-Mms-Message-Type", "X-Mms-Transaction-ID", "X-Mms-Request-Status-Code")],
            ["MM4_forward.RES", "tx-1", "Ok"],
        )
        (message,) = self.inbound()
        self.is_as_it_was_sent(message)
        self.assertEqual(self.mmsc.failures, [])

    def test_a_group_message_names_the_others_and_gets_no_automatic_reply(self):
        self.mmsc.bring(self.forward("tx-2", NUMBER, FRIEND))
        (message,) = self.wait_for("the message", self.inbound)
        self.assertEqual(message["additionalRecipients"], [FRIEND])


class OverMm7(InboundMms):
    RELEASE = "REL-6-MM7-1-4"

    def setUp(self):
        super().setUp()
        self.mmsc = PythonMmsc({"/": self.RELEASE}, lambda *_: (200, 1000, None))
        self.addCleanup(self.mmsc.close)
        self.listen = free_port()
        self.start(
            f'[[carrier]]\nname = "mmsc"\nkind = "mm7"\nurl = "http://127.0.0.1:{self.mmsc.port}/"\n'
            f'listen = "127.0.0.1:{self.listen}"\nlisten_username = "mmsc"\nlisten_password = "open sesame"\n'
        )

    def deliver(self, transaction, envelope):
        """Posts a DeliverReq with its content. The status of HTTP and the envelope that comes back."""
        whole = content()
        boundary, inner = "outer-boundary", whole.as_bytes()
        body = (
            f"--{boundary}\r\nContent-Type: text/xml; charset=utf-8\r\nContent-ID: <envelope>\r\n\r\n{envelope}\r\n"
            f"--{boundary}\r\nContent-ID: <content>\r\n"
        ).encode() + inner.replace(b"MIME-Version: 1.0\r\n", b"") + f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f'multipart/related; boundary="{boundary}"; type="text/xml"; start="<envelope>"',
            "SOAPAction": '""',
            "Authorization": "Basic " + base64.b64encode(b"mmsc:open sesame").decode(),
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.listen, timeout=PATIENCE)
        try:
            connection.request("POST", "/mm7", body, headers)
            answer = connection.getresponse()
            return answer.status, Envelope(answer.read(), self.RELEASE)
        finally:
            connection.close()

    def test_a_delivered_message_is_there_when_it_is_answered(self):
        namespace = RELEASES + self.RELEASE
        operation = f"""<m:DeliverReq xmlns:m="{namespace}"><m:MM7Version>6.8.0</m:MM7Version>
<m:MMSRelayServerID>python</m:MMSRelayServerID><m:LinkedID>abc</m:LinkedID>
<m:Sender><m:Number>{HANDSET}</m:Number></m:Sender>
<m:Recipients><m:To><m:Number>{NUMBER}</m:Number></m:To></m:Recipients>
<m:TimeStamp>2026-11-26T20:00:00Z</m:TimeStamp><m:Priority>Normal</m:Priority>
<m:Content href="cid:content"/></m:DeliverReq>"""
        status, answer = self.deliver("tx-9", self.mmsc.wrap(namespace, "tx-9", operation))
        self.assertEqual(
            (status, answer.name, answer.text("Status", "StatusCode"), answer.transaction),
            (200, "DeliverRsp", "1000", "tx-9"),
        )
        (message,) = self.inbound()
        self.is_as_it_was_sent(message)


if __name__ == "__main__":
    unittest.main()
