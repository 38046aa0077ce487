"""Messages of handsets from SMSCs that are not ours, in every form in which carriers bring them: each becomes one
message with exactly that text, and STOP stops."""

import base64
import itertools
import os
import unittest
import urllib.error

import gsm
from node_peers import NodeSmsc
from python_smsc import PythonSmsc
from support import NUMBER, Case, Client

OK, HANDSET = 0, "+18005551234"

# Texts that go wrong easily: the sender cuts them where an escape or a surrogate pair is.
TEXTS = {
    "gsm": "Grüße aus Zürich! " + "word " * 60,
    "escapes": "x" + "€" * 180,
    "surrogates": "ж" + "👋🏽" * 60,
    "latin1": "Olá, ça va? ¼ ½ ÿ " * 12,
}


def octets_of(name, text):
    """The octets that a handset sends, and their data_coding."""
    match name:
        case "gsm" | "escapes":
            return gsm.encode(text), 0
        case "latin1":
            return text.encode("iso-8859-1"), 3
        case _:
            return text.encode("utf-16-be"), 8


def cut(octets, length):
    """Parts of so many octets, wherever that cuts."""
    return [octets[at : at + length] for at in range(0, len(octets), length)]


def part_fields(form, reference, total, number, octets):
    """The fields that make octets a part: the user data with its header, or the parameters beside it."""
    if form == "udh8":
        header = bytes([5, 0, 3, reference & 0xFF, total, number])
    elif form == "udh16":
        header = bytes([6, 8, 4, reference >> 8, reference & 0xFF, total, number])
    else:
        parameters = {"sar_msg_ref_num": reference, "sar_total_segments": total, "sar_segment_seqnum": number}
        return {"esm_class": 0, **parameters}, octets
    return {"esm_class": 0x40}, header + octets


def addresses(sender=HANDSET):
    """From a handset to our number: without `+`, as most carriers write it."""
    return {
        "source_addr_ton": 1,
        "source_addr_npi": 1,
        "source_addr": sender.lstrip("+"),
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": NUMBER.lstrip("+"),
    }


class Node(Case):
    def setUp(self):
        super().setUp()
        self.smsc = NodeSmsc()
        self.addCleanup(self.smsc.close)
        self.client = Client(self.path(""), self.smsc.port, {"node": ("+1800", self.smsc.port, "sessions = 2")})
        self.addCleanup(self.client.end)
        self.wait_for("two sessions of the carrier", lambda: len(self.sessions()) == 2)

    def sessions(self):
        return [told["session"] for told in self.smsc.told("bound", system_id="node")]

    def inbound(self):
        return self.client.ask("GET", "/message?direction=inbound&limit=100")["data"]

    def deliver(self, octets, place="short_message", session=0, command="deliver_sm", **fields):
        value = {"hex": octets.hex()}
        return self.smsc.deliver(self.sessions()[session], command, **addresses(), **fields, **{place: value})

    def comes_out_as(self, texts):
        found = self.wait_for(f"{len(texts)} messages", lambda: len(self.inbound()) >= len(texts) and self.inbound())
        self.assertEqual(sorted(message["body"] for message in found), sorted(texts))
        for message in found:
            self.assertEqual((message["from"], message["to"], message["status"]), (HANDSET, NUMBER, "received"))
            self.assertNotIn("partial", message)

    def test_long_texts_in_every_form_and_alphabet_are_joined_over_two_sessions_in_any_order(self):
        numbers, texts = [], []
        forms = itertools.product(["udh8", "udh16", "sar"], TEXTS)
        for reference, (form, name) in enumerate(forms, 7):
            text = f"{form} {TEXTS[name]}"
            octets, coding = octets_of(name, text)
            parts = cut(octets, 133)
            order = list(enumerate(parts, 1))
            # Backwards, the last part first, and one of them twice.
            for turn, (number, part) in enumerate([*reversed(order), order[1]]):
                fields, data = part_fields(form, reference, len(parts), number, part)
                numbers.append(self.deliver(data, session=turn % 2, data_coding=coding, **fields))
            texts.append(text)
        self.assertEqual({self.smsc.status(number) for number in numbers}, {OK})
        self.comes_out_as(texts)

    def test_the_same_reference_in_another_width_is_another_message(self):
        texts = {form: f"{form}: " + "abc " * 50 for form in ["udh8", "udh16", "sar"]}
        halves = {form: cut(gsm.encode(text), 110) for form, text in texts.items()}
        for number in [1, 2]:
            for form, parts in halves.items():
                fields, data = part_fields(form, 5, len(parts), number, parts[number - 1])
                self.assertEqual(self.smsc.status(self.deliver(data, data_coding=0, **fields)), OK)
        self.comes_out_as(list(texts.values()))

    def test_texts_come_in_every_place_and_as_every_class(self):
        wide, plain = "Привет 👋", "Hello [€]"
        self.deliver(gsm.encode(plain + " 1"), data_coding=0)
        self.deliver(gsm.encode(plain + " 2"), place="message_payload", data_coding=0)
        self.deliver(gsm.encode(plain + " 3"), place="message_payload", command="data_sm", data_coding=0)
        self.deliver(gsm.encode("flash"), data_coding=0x10)
        self.deliver((wide + " 1").encode("utf-16-be"), data_coding=8)
        self.deliver(b"\xfe\xff" + (wide + " 2").encode("utf-16-be"), data_coding=8)
        self.deliver((wide + " 3").encode("utf-16-be") + b"\x00", data_coding=8)
        self.deliver((wide + " 4").encode("utf-16-be"), data_coding=0x18)
        self.deliver("ÿ Ω".replace("Ω", "½").encode("iso-8859-1"), data_coding=3)
        texts = [plain + f" {number}" for number in [1, 2, 3]] + ["flash", "ÿ ½"]
        self.comes_out_as(texts + [wide + f" {number}" for number in [1, 2, 3, 4]])

    def test_data_and_national_tables_are_told_from_text(self):
        turkish = bytes([3, 0x24, 1, 1]) + gsm.encode("yakla") + bytes([0x1B, 0x73])
        to_port = bytes([6, 5, 4, 0x0B, 0x84, 0x23, 0xF0]) + b"\x01\x06\x03"
        numbers = [
            self.deliver(turkish, data_coding=0, esm_class=0x40),
            self.deliver(to_port, data_coding=4, esm_class=0x40),
            self.deliver(b"\x00\xff\x80", data_coding=0xF5),
            # Short Message Type 0 is acknowledged and dropped.
            self.deliver(gsm.encode("silent"), data_coding=0, protocol_id=0x40),
        ]
        self.assertEqual({self.smsc.status(number) for number in numbers}, {OK})
        found = self.wait_for("three messages", lambda: len(self.inbound()) == 3 and self.inbound())
        bodies = {message.get("body") for message in found}
        data = {message.get("bodyBase64") for message in found}
        self.assertEqual(bodies, {"yaklaş", None})
        wanted = [base64.b64encode(octets).decode() for octets in [b"\x01\x06\x03", b"\x00\xff\x80"]]
        self.assertEqual(data, {None, *wanted})

    def test_a_carrier_has_its_own_meaning_of_no_alphabet(self):
        peers = {}
        for name, alphabet, text, octets in [
            ("packed", "gsm7_packed", "Grüße [€] 1234567", gsm.pack(gsm.encode("Grüße [€] 1234567"))),
            ("latin", "latin1", "ÿ ½ ça va", "ÿ ½ ça va".encode("latin-1")),
            ("eight", "utf8", "Grüße 👋🏽", "Grüße 👋🏽".encode()),
        ]:
            peers[name] = NodeSmsc()
            self.addCleanup(peers[name].close)
            os.mkdir(self.path(name))
            lines = f'inbound_alphabet = "{alphabet}"'
            client = Client(self.path(name), peers[name].port, {name: ("+1800", peers[name].port, lines)})
            self.addCleanup(client.end)
            bound = self.wait_for(f"the bind of {name}", lambda: peers[name].told("bound", system_id=name))
            number = peers[name].deliver(
                bound[0]["session"], **addresses(), data_coding=0, short_message={"hex": octets.hex()}
            )
            self.assertEqual(peers[name].status(number), OK)
            (message,) = client.ask("GET", "/message?direction=inbound")["data"]
            self.assertEqual(message["body"], text)

    def test_what_the_package_encodes_itself_is_read(self):
        number = self.smsc.deliver(self.sessions()[0], **addresses(), short_message="It's {10} €, ок?")
        self.assertEqual(self.smsc.status(number), OK)
        self.comes_out_as(["It's {10} €, ок?"])

    def test_a_handset_that_writes_stop_is_confirmed_once_and_gets_nothing_more(self):
        for _ in range(3):
            self.assertEqual(self.smsc.status(self.deliver(gsm.encode("Stop."), data_coding=0)), OK)
        self.wait_for("the confirmation", lambda: self.smsc.told("submit_sm"))
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.client.send(HANDSET, "sale")
        self.assertIn(b"33010", refused.exception.read())
        found = self.client.ask("GET", "/optout?number=%2B18005551234")["data"]
        said = [(one["number"], one["source"], one["keyword"]) for one in found]
        self.assertEqual(said, [(HANDSET, "keyword", "STOP")])
        self.assertEqual(self.smsc.status(self.deliver(gsm.encode("START"), data_coding=0)), OK)
        self.client.send(HANDSET, "welcome back")
        submitted = self.wait_for("three messages", lambda: len(self.smsc.told("submit_sm")) == 3 and self.smsc.events)
        self.assertEqual(len([told for told in submitted if told["event"] == "submit_sm"]), 3)


class Python(Case):
    """The same from smpplib."""

    def test_parts_and_places_of_texts(self):
        smsc = PythonSmsc(None, lambda _, number: str(number), lambda _: True)
        self.addCleanup(smsc.close)
        client = Client(self.path(""), smsc.port, {"python": ("+1800", smsc.port, "")})
        self.addCleanup(client.end)
        session = self.wait_for("the bind", lambda: smsc.sessions.get("python"))
        texts = []
        for reference, (form, name) in enumerate(itertools.product(["udh8", "udh16", "sar"], TEXTS), 300):
            text = f"{form} {TEXTS[name]}"
            octets, coding = octets_of(name, text)
            parts = cut(octets, 131)
            for number, part in reversed(list(enumerate(parts, 1))):
                fields, data = part_fields(form, reference, len(parts), number, part)
                session.deliver("deliver_sm", **addresses(), data_coding=coding, short_message=data, **fields)
            texts.append(text)
        session.deliver("data_sm", **addresses(), data_coding=8, message_payload="дом".encode("utf-16-be"))
        texts.append("дом")
        inbound = lambda: client.ask("GET", "/message?direction=inbound&limit=100")["data"]  # noqa: E731
        found = self.wait_for("every message", lambda: len(inbound()) >= len(texts) and inbound())
        self.assertEqual(sorted(message["body"] for message in found), sorted(texts))
        self.assertEqual({pdu.status for _, pdu in smsc.answered}, {0})
        self.assertEqual(smsc.failures, [])


if __name__ == "__main__":
    unittest.main()
