"""A small MMSC made of Python's http.server, its email package for what is in a body, and lxml for what is in an
envelope. It takes what a VASP submits, and reports on every message as a test wants it."""

import base64
import email
import email.policy
import http.client
import http.server
import os
import threading
import urllib.parse

from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
RELEASES = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/"

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "mm7.xsd"), encoding="utf-8") as file:
    SCHEMA = file.read()


class Envelope:
    """An envelope, read by namespaces and checked against the schema of its release."""

    def __init__(self, octets, release):
        self.namespace = RELEASES + release
        root = etree.fromstring(octets)
        header, body = root
        assert [root.tag, header.tag, body.tag] == [f"{{{SOAP}}}{name}" for name in ("Envelope", "Header", "Body")], (
            root.tag
        )
        (transaction,), (self.operation,) = header, body
        assert transaction.tag == self.tag("TransactionID") and transaction.get(f"{{{SOAP}}}mustUnderstand") == "1", (
            etree.tostring(header)
        )
        self.transaction = transaction.text
        fault = self.operation.tag == f"{{{SOAP}}}Fault"
        (said,) = self.operation.find("detail") if fault else (self.operation,)
        schema = etree.XMLSchema(etree.fromstring(SCHEMA.replace("NAMESPACE", self.namespace).encode()))
        schema.assertValid(etree.fromstring(etree.tostring(said)))
        self.said = said

    def tag(self, name):
        return f"{{{self.namespace}}}{name}"

    def text(self, *names):
        """The text of an element, by the names on the way to it; None where it is not there."""
        found = self.said.find("/".join(self.tag(name) for name in names))
        return None if found is None else found.text

    @property
    def name(self):
        return etree.QName(self.said).localname


class Submission:
    """What was posted."""

    def __init__(self, path, headers, body, release):
        self.path, self.headers = path, headers
        whole = email.message_from_bytes(
            f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + body, policy=email.policy.HTTP
        )
        assert whole.get_content_type() == "multipart/related" and whole.get_param("type") == "text/xml", headers[
            "Content-Type"
        ]
        root, content = whole.iter_parts()
        assert root["Content-ID"] == whole.get_param("start") and root.get_content_type() == "text/xml", root.items()
        self.envelope = Envelope(root.get_payload(decode=True), release)
        href = self.envelope.said.find(self.envelope.tag("Content")).get("href")
        assert content["Content-ID"] == f"<{urllib.parse.unquote(href.removeprefix('cid:'))}>", (
            href,
            content["Content-ID"],
        )
        self.content_type = content.get_content_type()
        self.start = content.get_param("start")
        self.parts = {part["Content-ID"].strip("<>"): part for part in content.iter_parts()}
        self.defects = [defect for part in whole.walk() for defect in part.defects]

    def octets(self, name):
        return self.parts[name].get_payload(decode=True)

    def shown(self):
        """What the presentation shows, by element: the ids of other parts."""
        root = etree.fromstring(self.octets(self.start.strip("<>")))
        return {element.tag: element.get("src").removeprefix("cid:") for element in root.iter() if element.get("src")}


class PythonMmsc:
    """`releases` maps the path of each VASP to the release that it speaks. `answer` says what to do with a submission:
    it gets the path and the recipient, and returns the status of HTTP, the StatusCode (None for a blank answer), and
    the MMStatus that is reported (None for no report). Reports on paths of `early` come before the answer."""

    def __init__(self, releases, answer, early=()):
        self.releases, self.answer, self.early = releases, answer, early
        self.submitted, self.reported, self.failures = [], [], []
        self.listeners = {}
        self.lock = threading.Lock()
        mmsc = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                try:
                    mmsc.take(self)
                except Exception as error:  # Whatever Python cannot read is what the tests look for.
                    mmsc.failures.append(repr(error))
                    self.send_error(400)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def take(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        release = self.releases[handler.path]
        submission = Submission(handler.path, handler.headers, body, release)
        recipient = submission.envelope.text("Recipients", "To", "Number")
        with self.lock:
            self.submitted.append(submission)
            message_id = f"{len(self.submitted):04}@mmsc.example.net"
        http_status, code, mm_status = self.answer(handler.path, recipient)
        if mm_status and handler.path in self.early:
            self.report(handler.path, message_id, recipient, mm_status)
        text = "" if code is None else self.submit_rsp(submission.envelope, code, message_id)
        handler.send_response(http_status)
        handler.send_header("Content-Type", "text/xml; charset=utf-8")
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())
        if mm_status and handler.path not in self.early:
            self.report(handler.path, message_id, recipient, mm_status)

    def submit_rsp(self, envelope, code, message_id):
        given = f"<x:MessageID>{message_id}</x:MessageID>" if code == 1000 else ""
        return self.wrap(
            envelope.namespace,
            envelope.transaction,
            f"""<x:SubmitRsp xmlns:x="{envelope.namespace}"><x:MM7Version>5.3.0</x:MM7Version>
<x:Status><x:StatusCode>{code}</x:StatusCode><x:StatusText>as asked</x:StatusText></x:Status>{given}</x:SubmitRsp>""",
        )

    def wrap(self, namespace, transaction, operation):
        return f"""<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="{SOAP}"><e:Header>
<x:TransactionID xmlns:x="{namespace}" e:mustUnderstand="1">{transaction}</x:TransactionID></e:Header>
<e:Body>{operation}</e:Body></e:Envelope>"""

    def report(self, path, message_id, recipient, mm_status):
        """Posts a report to the listener of a VASP, and keeps how that answers."""
        transaction = f"report-{message_id}"
        namespace = RELEASES + self.releases[path]
        envelope = self.wrap(
            namespace,
            transaction,
            f"""<x:DeliveryReportReq xmlns:x="{namespace}"><x:MM7Version>5.3.0</x:MM7Version>
<x:MMSRelayServerID>python</x:MMSRelayServerID><x:MessageID>{message_id}</x:MessageID>
<x:Recipient><x:Number>{recipient}</x:Number></x:Recipient>
<x:Date>2026-03-15T14:31:12Z</x:Date><x:MMStatus>{mm_status}</x:MMStatus></x:DeliveryReportReq>""",
        )
        http_status, answer = self.post(path, envelope)
        self.reported.append(
            (http_status, answer.name, answer.text("Status", "StatusCode"), answer.transaction == transaction)
        )

    def post(self, path, envelope):
        """Posts to the listener of a VASP. The status of HTTP, and the envelope that came back."""
        port, credentials = self.listeners[path]
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": '""',
            "Authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}",
        }
        try:
            connection.request("POST", "/mm7", envelope.encode(), headers)
            answer = connection.getresponse()
            return answer.status, Envelope(answer.read(), self.releases[path])
        finally:
            connection.close()
