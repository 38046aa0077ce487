"""A server with one of each thing that a path of its APIs can name, for tests that try every operation."""

import base64
import json
import urllib.error
import urllib.request

from harness import NUMBER, wait_for

RECIPIENTS = ["+18005551234", "+18005551235"]

# A text that the screen refuses.
SCAM = "USPS: your package is on hold. Pay the $1.99 fee at http://usps-redelivery.top/pay now or it will be returned"


def furnish(server, credentials):
    """Makes the things of the account with these credentials, and returns the names of those of each kind."""
    key = base64.b64decode(credentials).decode().partition(":")[0]

    def client(path, body):
        headers = {"authorization": f"Basic {credentials}", "content-type": "application/json"}
        url = f"http://127.0.0.1:{server.api}/api/v1/messaging{path}"
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        return json.load(urllib.request.urlopen(request, timeout=30))

    account = server.ask("GET", f"/numbers/{NUMBER}")["accountId"]
    other = server.ask("POST", "/accounts", {"name": "another"})["id"]
    sent = [client("/message", {"to": to, "from": NUMBER, "body": "hello"})["id"] for to in RECIPIENTS]
    broadcast = client("/broadcast", {"recipients": RECIPIENTS, "from": NUMBER, "body": "hello"})["id"]
    webhook = client("/webhook", {"url": f"http://127.0.0.1:{server.api}/none"})["id"]
    try:
        client("/message", {"to": RECIPIENTS[0], "from": NUMBER, "body": SCAM})
        raise SystemExit("the screen let a scam pass")
    except urllib.error.HTTPError as refused:
        refused.close()
    templates = f"/accounts/{account}/screening/templates"
    names = {
        "accounts": [account, other],
        "templates": [server.ask("PUT", templates, {"text": "Your code for Acme is {code}"})["id"]],
        "keys": [key, server.ask("POST", f"/accounts/{other}/keys", {})["keyId"]],
        "senders": [NUMBER, server.ask("POST", "/numbers", {"number": "ACME", "accountId": other})["number"]],
        "recipients": RECIPIENTS,
        "carriers": [carrier["name"] for carrier in server.ask("GET", "/carriers")["data"]],
        "broadcasts": [broadcast],
        "erasures": [server.ask("POST", "/erasures", {"number": "+18005550144"})["id"]],
        "messages": sent,
        "decisions": [decision["id"] for decision in server.ask("GET", "/screening")["data"]],
        "webhooks": [webhook],
        "operators": [server.ask("POST", "/operators", {"name": "ada", "role": "viewer"})["name"]],
        "nodes": [node["name"] for node in server.ask("GET", "/nodes")["data"]],
        "codes": ["33000", "33001", "33101"],
    }
    last = f"/messages/{sent[-1]}"
    wait_for("the delivery of the last message", lambda: server.ask("GET", last)["status"] == "delivered")
    return names


def dictionaries(names):
    """The names as dictionaries of schemathesis, in TOML."""
    return "".join(f"\n[dictionaries.{kind}]\nvalues = {json.dumps(of_kind)}\n" for kind, of_kind in names.items())
