"""Twilio's package for Python, unmodified, against the server: it sends, reads, lists, cancels, hears errors as its
exceptions, and validates what its endpoint receives."""

import datetime
import http.server
import json
import os
import re
import sys
import threading
import unittest
import urllib.parse
import urllib.request

from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "scripts"))
from harness import wait_for  # noqa: E402

URL, ADMIN = os.environ["SMSFACTORY_URL"], os.environ["SMSFACTORY_ADMIN"]
ACCOUNT, TOKEN = os.environ["TWILIO_ACCOUNT_SID"], os.environ["TWILIO_AUTH_TOKEN"]
KEY_ID, SENDER = os.environ["SMSFACTORY_KEY_ID"], os.environ["SMSFACTORY_FROM"]
SID = re.compile("SM[0-9a-f]{32}")


def client(*credentials):
    made = Client(*credentials)
    made.api.base_url = URL
    return made


def post(url, body, key=None):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    if key:
        passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
        passwords.add_password(None, url, *key, is_authenticated=True)
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
        return json.load(opener.open(request, timeout=30))
    return urllib.request.urlopen(request, timeout=30).read()


class Endpoint:
    """An endpoint that keeps what it receives."""

    def __init__(self):
        received = self.received = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                form = dict(urllib.parse.parse_qsl(body, keep_blank_values=True, strict_parsing=True))
                received.append((f"http://{self.headers['host']}{self.path}", form, self.headers["x-twilio-signature"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def listens_to(self, path, *events):
        """Makes it an endpoint of the account. Returns the secret with which its requests are signed."""
        body = {"url": self.url + path, "events": events, "format": "twilio"}
        return post(f"{URL}/api/v1/messaging/webhook", body, (KEY_ID, TOKEN))["secret"]

    def when(self, condition, count):
        """The requests of which this is true, once there are so many."""

        def found():
            now = [request for request in self.received if condition(request[1])]
            return now if len(now) >= count else None

        return wait_for(f"the arrival of {count} forms", found)


class Messages(unittest.TestCase):
    def setUp(self):
        self.client = client(ACCOUNT, TOKEN)
        self.endpoint = Endpoint()
        self.addCleanup(self.endpoint.stop)

    def send(self, to="+18005550171", body="Your code is 482910", **more):
        return self.client.messages.create(to=to, from_=SENDER, body=body, **more)

    def refused(self, call, status, code, words):
        with self.assertRaises(TwilioRestException) as raised:
            call()
        self.assertEqual((raised.exception.status, raised.exception.code), (status, code))
        self.assertIn(words, raised.exception.msg)

    def status(self, sid, status):
        return wait_for(f"{sid} is {status}", lambda: self.client.messages(sid).fetch().status == status)

    def test_a_message_is_sent_and_read_until_it_is_delivered(self):
        before = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        sent = self.send(body="Grüße & 😀", validity_period=600)
        self.assertRegex(sent.sid, SID)
        self.assertEqual((sent.account_sid, sent.status, sent.direction), (ACCOUNT, "queued", "outbound-api"))
        self.assertEqual((sent.to, sent.from_, sent.body), ("+18005550171", SENDER, "Grüße & 😀"))
        self.assertEqual((sent.num_segments, sent.num_media, sent.error_code, sent.date_sent), ("1", "0", None, None))
        self.assertGreaterEqual(sent.date_created, before)
        self.status(sent.sid, "delivered")
        read = self.client.messages(sent.sid).fetch()
        self.assertGreaterEqual(read.date_sent, sent.date_created)
        self.assertEqual((read.sid, read.body), (sent.sid, sent.body))

    def test_lists_are_walked_by_pages_and_narrowed(self):
        to = "+18005550172"
        began = datetime.datetime.now(datetime.timezone.utc)
        sent = [self.send(to=to, body=f"Number {number}").sid for number in range(5)]
        listed = [message.sid for message in self.client.messages.list(to=to, page_size=2)]
        self.assertEqual(listed, sent[::-1])
        self.assertEqual([one.sid for one in self.client.messages.stream(to=to, page_size=2, limit=3)], sent[:1:-1])
        page = self.client.messages.page(to=to, page_size=2)
        self.assertEqual([one.sid for one in page], sent[:2:-1])
        self.assertEqual([one.sid for one in page.next_page()], sent[2:0:-1])
        self.assertEqual(self.client.messages.list(to=to, date_sent_before=began - datetime.timedelta(days=1)), [])
        self.assertEqual(len(self.client.messages.list(to=to, date_sent_after=began.date())), 5)
        self.assertEqual(self.client.messages.list(to=to, from_="+18005550101"), [])

    def test_errors_are_exceptions_with_codes_that_programs_know(self):
        self.refused(lambda: self.send(to="5551234"), 400, 21211, "To")
        self.refused(lambda: self.client.messages.create(to="+18005550171", from_=SENDER), 400, 21602, "Body")
        foreign = lambda: self.client.messages.create(to="+18005550171", from_="+18005559999", body="x")  # noqa: E731
        self.refused(foreign, 400, 21606, "")
        self.refused(lambda: self.send(body="x" * 5_000), 400, 21617, "")
        self.refused(lambda: self.send(send_at=datetime.datetime(2030, 1, 1)), 400, 20001, "SendAt")
        self.refused(lambda: self.send(status_callback="https://elsewhere.example/"), 400, 21609, "StatusCallback")
        self.refused(lambda: self.client.messages("SM" + "0" * 32).fetch(), 404, 20404, "")
        self.refused(lambda: self.client.messages("SM" + "0" * 32).delete(), 405, 20004, "")
        wrong = client(ACCOUNT, "wrong")
        self.refused(lambda: wrong.messages("SM" + "0" * 32).fetch(), 401, 20003, "")
        self.refused(lambda: client("AC" + "0" * 32, TOKEN).messages("SM" + "0" * 32).fetch(), 401, 20003, "")

    def test_a_key_may_be_an_api_key(self):
        sent = self.send().sid
        self.assertEqual(client(KEY_ID, TOKEN, ACCOUNT).messages(sent).fetch().sid, sent)

    def test_a_message_that_has_left_is_not_canceled(self):
        sent = self.send()
        self.status(sent.sid, "delivered")
        self.refused(lambda: self.client.messages(sent.sid).update(status="canceled"), 409, 30409, "delivered")

    def test_a_message_is_scheduled_and_canceled(self):
        time = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        sent = self.send(send_at=time, schedule_type="fixed")
        self.assertEqual(sent.status, "scheduled")
        self.assertEqual(self.client.messages(sent.sid).update(status="canceled").status, "canceled")

    def test_status_callbacks_come_to_the_url_of_the_message_and_validate(self):
        secret = self.endpoint.listens_to("/status", "messaging.outgoing.message.*")
        url = f"{self.endpoint.url}/status?order=7&name=J%C3%B6rg+A"
        sent = self.send(status_callback=url)
        received = self.endpoint.when(lambda form: form["MessageSid"] == sent.sid, 2)
        self.assertEqual([form["MessageStatus"] for _, form, _ in received], ["sent", "delivered"])
        for target, form, signature in received:
            self.assertEqual((target, form["AccountSid"], form["To"]), (url, ACCOUNT, sent.to))
            validator = RequestValidator(secret)
            self.assertTrue(validator.validate(target, form, signature))
            self.assertFalse(validator.validate(target, {**form, "MessageStatus": "failed"}, signature))
            self.assertFalse(RequestValidator(TOKEN).validate(target, form, signature))

    def test_a_message_of_a_handset_comes_as_a_form_that_validates(self):
        secret = self.endpoint.listens_to("/sms", "messaging.incoming.message.received")
        handset, text = "+18005550173", "Ja & nein, um 5 Uhr"
        post(f"{ADMIN}/dev/phone/{handset}/send", {"to": SENDER, "text": text})
        target, form, signature = self.endpoint.when(lambda form: form["From"] == handset, 1)[0]
        self.assertEqual((form["To"], form["Body"], form["NumMedia"]), (SENDER, text, "0"))
        self.assertTrue(RequestValidator(secret).validate(target, form, signature))
        read = self.client.messages(form["MessageSid"]).fetch()
        self.assertEqual((read.direction, read.status, read.body), ("inbound", "received", text))
        self.assertIn(read.sid, [message.sid for message in self.client.messages.list(from_=handset)])

    def test_a_stop_opts_out_and_the_next_message_is_refused(self):
        self.endpoint.listens_to("/stop", "messaging.incoming.message.received")
        handset = "+18005550174"
        post(f"{ADMIN}/dev/phone/{handset}/send", {"to": SENDER, "text": "STOP"})
        self.assertEqual(self.endpoint.when(lambda form: form["From"] == handset, 1)[0][1]["OptOutType"], "STOP")
        self.refused(lambda: self.send(to=handset), 400, 21610, "blocked")


if __name__ == "__main__":
    unittest.main()
