"""Webhooks are verified by the libraries that receivers use, as they are published: standardwebhooks and svix of PyPI,
standardwebhooks of npm."""

import http.server
import json
import os
import threading
import unittest

import standardwebhooks
import svix.webhooks
from node_peers import NodeReceiver, NodeSmsc
from python_mm4 import make_certificate
from support import NUMBER, Case, Client
from zoo import ANIMALS, Zoo

HANDSET, OTHER_NUMBER = "+18005551234", "+18005550101"

# What verifies, and what it raises.
VERIFIERS = {
    standardwebhooks.Webhook: standardwebhooks.WebhookVerificationError,
    svix.webhooks.Webhook: svix.webhooks.WebhookVerificationError,
}


class Receiver:
    """Keeps what comes. `status` says how a request is answered, by its number from 1."""

    def __init__(self, status=lambda _: 204):
        self.requests = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.requests.append((dict(self.headers.items()), body))
                self.send_response(status(len(receiver.requests)))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def events(self):
        return [json.loads(body) for _, body in self.requests]


class Webhooks(Case):
    def setUp(self):
        super().setUp()
        smsc = self.smsc()
        self.client = Client(self.path(""), smsc.port, {"smsc": ("+1", smsc.port, HOOKS)})
        self.addCleanup(self.client.end)

    def receiver(self, *arguments):
        receiver = Receiver(*arguments)
        self.addCleanup(receiver.close)
        return receiver

    def hook(self, url, **fields):
        return self.client.ask("POST", "/webhook", {"url": url, **fields})

    def verified(self, secret, headers, body):
        """What the body says, by each library; they refuse it with one octet changed."""
        headers = {name.lower(): value for name, value in headers.items()}
        for library, error in VERIFIERS.items():
            library(secret).verify(body, headers)
            with self.assertRaises(error):
                library(secret).verify(body.replace(b"evt_", b"evt-"), headers)
        return json.loads(body)

    def test_the_libraries_verify_the_life_of_a_message_in_order(self):
        receiver, node = self.receiver(), NodeReceiver()
        self.addCleanup(node.close)
        hook = self.hook(receiver.url)
        node_hook = self.hook(f"http://127.0.0.1:{node.port}/node", description="Node")
        node.trust("/node", node_hook["secret"])
        message = self.client.send(HANDSET, "Grüße 👋🏽")
        self.wait_for("both events", lambda: len(receiver.requests) >= 2 and len(node.told("verified")) >= 2)
        said = [self.verified(hook["secret"], headers, body) for headers, body in receiver.requests]
        self.assertEqual([event["type"].rpartition(".")[2] for event in said], ["sent", "delivered"])
        # The first one says that the message is queued, and goes to those who ask for it by its name.
        self.assertEqual([(event["sequence"], event["final"]) for event in said], [(2, False), (3, True)])
        self.assertEqual({(event["data"]["id"], event["data"]["body"]) for event in said}, {(message, "Grüße 👋🏽")})
        self.assertEqual([headers["webhook-id"] for headers, _ in receiver.requests], [event["id"] for event in said])
        self.assertEqual([told["body"] for told in node.told("verified")], said)
        self.assertEqual(node.told("refused"), [])

    def test_a_second_attempt_has_the_same_id_and_the_same_octets(self):
        receiver = self.receiver(lambda number: 500 if number == 1 else 204)
        secret = self.hook(receiver.url, events=["messaging.outgoing.message.delivered"])["secret"]
        self.client.send(HANDSET, "hello")
        self.wait_for("the second attempt", lambda: len(receiver.requests) == 2)
        (first, body), (second, again) = receiver.requests
        self.assertEqual((first["webhook-id"], body), (second["webhook-id"], again))
        for headers, body in receiver.requests:
            self.verified(secret, headers, body)

    def test_after_a_rotation_both_secrets_verify(self):
        receiver = self.receiver()
        hook = self.hook(receiver.url)
        new = self.client.ask("POST", f"/webhook/{hook['id']}/rotate")["secret"]
        self.client.ask("POST", f"/webhook/{hook['id']}/test")
        ((headers, body),) = self.wait_for("the test event", lambda: receiver.requests)
        for secret in [hook["secret"], new]:
            self.assertEqual(self.verified(secret, headers, body)["type"], "webhook.test")

    def test_what_a_receiver_missed_is_among_the_events(self):
        receiver = self.receiver()
        self.hook(receiver.url)
        self.client.send(HANDSET, "hello")
        self.wait_for("both events", lambda: len(receiver.requests) == 2)
        listed = self.client.ask("GET", "/event?limit=10")["data"]
        self.assertEqual(sorted(event["id"] for event in listed), sorted(event["id"] for event in receiver.events()))


    def test_what_a_handset_sends_arrives_with_what_follows_from_it(self):
        receiver, peer = self.receiver(), NodeSmsc()
        self.addCleanup(peer.close)
        os.mkdir(self.path("inbound"))
        self.client = Client(self.path("inbound"), peer.port, {"node": ("+1", peer.port, HOOKS)})
        self.addCleanup(self.client.end)
        secret = self.hook(receiver.url)["secret"]
        session = self.wait_for("the bind", lambda: peer.told("bound", system_id="node"))[0]["session"]
        sender = {"source_addr_ton": 1, "source_addr": HANDSET[1:]}
        number = {"dest_addr_ton": 1, "destination_addr": NUMBER[1:]}
        peer.deliver(session, **sender, **number, short_message="Stop!")
        self.wait_for("the events", lambda: len(receiver.requests) >= 3)
        said = {}
        for headers, body in receiver.requests:
            event = self.verified(secret, headers, body)
            said[event["type"]] = event["data"]
        message, opt_out = said["messaging.incoming.message.received"], said["messaging.recipient.opted_out"]
        self.assertEqual((message["body"], message["keyword"], message["from"]), ("Stop!", "stop", HANDSET))
        self.assertEqual(message, self.client.ask("GET", f"/message/{message['id']}"))
        self.assertEqual(
            opt_out,
            {"number": HANDSET, "from": None, "source": "keyword", "keyword": "STOP", "messageId": message["id"]},
        )
        self.assertTrue(said["messaging.outgoing.message.sent"]["automatic"])

    def test_no_animal_of_the_zoo_delays_another_endpoint(self):
        zoo = Zoo(make_certificate(self.directory))
        self.addCleanup(zoo.close)
        hooks = {}
        for number, (name, url) in enumerate(zoo.urls.items()):
            # An account has ten endpoints.
            credentials = self.client.credentials if number < 5 else self.other()
            hooks[name] = (credentials, self.hook_of(credentials, url))
        receiver = self.receiver()
        self.hook(receiver.url)
        beside = self.receiver()
        self.hook_of(self.other(), beside.url)
        for round_number in range(1, 31):
            for credentials, sender in [(self.client.credentials, NUMBER), (self.other(), OTHER_NUMBER)]:
                self.send_as(credentials, sender, f"round {round_number}")
            # Two events of each message.
            for well in [receiver, beside]:
                self.wait_for("both events", lambda: len(messages(well)) >= 2 * round_number)
        # The account of the endpoint that is gone hears of that as well.
        said = [event["type"] for event in beside.events()]
        self.assertEqual((len(receiver.requests), len(said), said.count("webhook.disabled")), (60, 61, 1))
        self.wait_for("a visit to every animal", lambda: all(zoo.visits[animal.__name__] for animal in ANIMALS))
        self.assertEqual((zoo.visits["wrong_certificate"], zoo.visits["old_ciphers"]), (0, 0))
        causes = {name: self.first_attempt(*hook) for name, hook in hooks.items()}
        self.assertEqual((causes["redirect"]["httpStatus"], causes["busy"]["httpStatus"]), (301, 429))
        self.assertEqual(causes["garbled"]["httpStatus"], 204)
        self.assertIn("certificate", causes["wrong_certificate"]["cause"].lower())
        old = causes["old_ciphers"]
        self.assertIsNone(old["httpStatus"])
        self.assertIn("neither TLS 1.3 nor TLS 1.2 with a cipher suite of ECDHE and AEAD", old["cause"])
        credentials, gone = hooks["gone"]
        shown = self.ask_as(credentials, "GET", f"/webhook/{gone}")
        self.assertEqual((shown["active"], shown["disabledReason"]), (False, "gone"))
        # One request asks for ten seconds, and as many as may be under way before its answer was known.
        self.assertLessEqual(zoo.visits["busy"], 16)

    def other(self):
        """The credentials of another account."""
        if not hasattr(self, "of_other"):
            self.of_other = self.client.server.account(OTHER_NUMBER)
        return self.of_other

    def ask_as(self, credentials, method, path, body=None):
        mine, self.client.credentials = self.client.credentials, credentials
        try:
            return self.client.ask(method, path, body)
        finally:
            self.client.credentials = mine

    def hook_of(self, credentials, url):
        return self.ask_as(credentials, "POST", "/webhook", {"url": url})["id"]

    def send_as(self, credentials, sender, text):
        self.ask_as(credentials, "POST", "/message", {"to": HANDSET, "from": sender, "body": text})

    def first_attempt(self, credentials, hook):
        """The first attempt of an endpoint's oldest delivery that has one."""
        path = f"/webhook/{hook}/delivery?limit=100"
        tried = lambda: [d for d in self.ask_as(credentials, "GET", path)["data"] if d["attempts"]]  # noqa: E731
        return self.wait_for(f"an attempt at {hook}", tried)[-1]["attempts"][0]


def messages(receiver):
    """The events of messages that a receiver has."""
    return [event for event in receiver.events() if event["type"].startswith("messaging.")]


# What lets the server send to these receivers, in front of the tables of its carriers.
HOOKS = '\n[webhooks]\nallow_http = true\nallow_networks = ["127.0.0.0/8"]\n'


if __name__ == "__main__":
    unittest.main()
