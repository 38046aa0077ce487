"""Webhooks are verified by the libraries that receivers use, as they are published: standardwebhooks and svix of PyPI,
standardwebhooks of npm."""

import http.server
import json
import threading
import unittest

import standardwebhooks
import svix.webhooks
from node_peers import NodeReceiver
from support import Case, Client

HANDSET = "+18005551234"

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


# What lets the server send to these receivers, in front of the tables of its carriers.
HOOKS = '\n[webhooks]\nallow_http = true\nallow_networks = ["127.0.0.0/8"]\n'


if __name__ == "__main__":
    unittest.main()
