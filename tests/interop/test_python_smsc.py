"""The server bound to an SMSC that is not ours: what clients post arrives there with exactly that text, whichever way a
carrier wants it."""

import itertools
import unittest

import gsm
from python_smsc import DELIVERED, UNDELIVERABLE, PythonSmsc
from support import NAME, NAME_OF_MARKS, NUMBER, SHORT_CODE, Case, Client

# Each way of encoding and splitting that a carrier may want, as the lines of its table.
CARRIERS = {
    "udh8": 'split = "udh8"',
    "udh16": 'split = "udh16"',
    "sar": 'split = "sar"',
    "payload": 'split = "payload"',
    "packed": 'alphabet = "gsm7_packed"',
    "latin1": 'alphabet = "latin1"',
    "ucs2": (
        'alphabet = "ucs2"\nmore_messages_to_send = true\nkeep_plus = true\nsource_ton = 5\nsource_npi = 0\n'
        "destination_ton = 2\ndestination_npi = 8"
    ),
}

# Each sender, and the type of number, the numbering plan and the octets that it has by default.
SENDERS = {
    NUMBER: (1, 1, NUMBER[1:].encode()),
    SHORT_CODE: (3, 0, SHORT_CODE.encode()),
    NAME: (5, 0, NAME.encode()),
    NAME_OF_MARKS: (5, 0, NAME_OF_MARKS.encode()),
    "Café Åse": (5, 0, "Café Åse".encode("iso-8859-1")),
}

# Carriers that want senders in another form: the lines of their tables, and what each of their senders has then.
WANTED = {
    "numbers": ("source_ton = 2\nsource_npi = 8\nkeep_plus = true", {NUMBER: (2, 8, NUMBER.encode())}),
    "codes": ("short_code_ton = 6\nshort_code_npi = 1", {SHORT_CODE: (6, 1, SHORT_CODE.encode())}),
    "names": (
        'name_ton = 0\nname_npi = 1\nname_alphabet = "gsm7"',
        # The first name is the same in both alphabets; the `@` of the second one is a NUL, which no address can hold.
        {NAME: (0, 1, NAME.encode()), NAME_OF_MARKS: None, "Café Åse": (0, 1, b"Caf\x05 \x0ese")},
    ),
}

# Texts that go wrong easily: escapes and surrogates lie where a segment ends, wherever that is.
TEXTS = {
    "short": "Your code is 482910",
    "every character": gsm.EVERY_CHARACTER[:100],
    "extension": "[{~^|\\}] 5 €",
    "latin1": "Olá, ça va? ¼ ½ ÿ",
    "emoji": "👋🏽 Привет 世界",
    "one full segment": "x" * 160,
    "three segments": "Grüße aus Zürich! " + "word " * 70,
    "escapes at the ends": "x" + "€" * 180,
    "surrogates at the ends": "ж" + "👋" * 80,
}

UNREACHABLE = "9999"


def receipt(system_id, make, submitted, number, is_delivered):
    """A receipt in the manner of the system, which differs from one to the other as carriers do."""
    state, stat = (DELIVERED, "DELIVRD") if is_delivered else (UNDELIVERABLE, "UNDELIV")
    text = f"id:{number:010} sub:001 dlvrd:00{int(is_delivered)} submit date:2611240102 done date:2611240103 "
    text = (text + f"stat:{stat} err:000 text:").encode()
    fields = {
        "source_addr_ton": submitted.dest_addr_ton,
        "source_addr_npi": submitted.dest_addr_npi,
        "source_addr": submitted.destination_addr.decode(),
        "dest_addr_ton": submitted.source_addr_ton,
        "dest_addr_npi": submitted.source_addr_npi,
        "destination_addr": submitted.source_addr.decode("iso-8859-1"),
        "esm_class": 4,
    }
    parameters = {"message_state": state, "receipted_message_id": id_text(system_id, number)}
    match system_id:
        case "udh16":
            return make("deliver_sm", **fields, **parameters)
        case "sar":
            return make("deliver_sm", **fields, **parameters, short_message=text)
        case "payload":
            return make("deliver_sm", **fields, message_payload=text)
        case "latin1":
            return make("data_sm", **fields, message_payload=text)
        case _:
            return make("deliver_sm", **fields, short_message=text)


def id_text(system_id, number):
    """Some carriers write an id in hexadecimal where they acknowledge, and in decimal where they report."""
    return f"{number:X}" if system_id == "udh8" else f"{number:010}"


def text_of(system_id, pdu):
    """The text of one submit_sm, and what holds it together with others: (method, reference, total, number)."""
    octets, held = pdu.short_message or b"", None
    if payload := getattr(pdu, "message_payload", None):
        octets, held = payload, ("payload", None, None, None)
    if pdu.sar_total_segments:
        held = ("sar", pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum)
    header = b""
    if pdu.esm_class & 0x40:
        header, octets = octets[: octets[0] + 1], octets[octets[0] + 1 :]
        if header[:3] == bytes([5, 0, 3]):
            held = ("udh8", header[3], header[4], header[5])
        elif header[:3] == bytes([6, 8, 4]):
            held = ("udh16", header[3] << 8 | header[4], header[5], header[6])
    if pdu.data_coding == 8:
        return octets.decode("utf-16-be"), held
    if pdu.data_coding == 3:
        return octets.decode("iso-8859-1"), held
    septets = gsm.unpack(octets, len(header)) if system_id == "packed" else octets
    return gsm.decode(septets), held


def data_coding(carrier, text):
    """What a text must be sent in: the carrier's alphabet where it has every character, UCS-2 elsewhere."""
    alphabet, code = {"ucs2": ("", 0), "latin1": ([c for c in gsm.EVERY_CHARACTER if ord(c) < 0x100], 3)}.get(
        carrier, (gsm.EVERY_CHARACTER, 0)
    )
    return code if all(character in alphabet for character in text) else 8


class ToThePythonSmsc(Case):
    def setUp(self):
        super().setUp()
        self.smsc = PythonSmsc(receipt, id_text, lambda pdu: not pdu.destination_addr.endswith(UNREACHABLE.encode()))
        self.addCleanup(self.smsc.close)
        tables = {**CARRIERS, **{name: lines for name, (lines, _) in WANTED.items()}}
        carriers = {
            name: (f"+180055{digit:02}", self.smsc.port, lines) for digit, (name, lines) in enumerate(tables.items())
        }
        self.prefixes = {name: prefix for name, (prefix, _, _) in carriers.items()}
        self.client = Client(self.directory, self.smsc.port, carriers)
        self.wait_for("every bind", self.client.is_bound)

    def wait_for(self, what, condition):
        def unless_something_could_not_be_read():
            self.assertEqual(self.smsc.failures, [])
            return condition()

        return super().wait_for(what, unless_something_could_not_be_read)

    def submitted_to(self, recipient):
        return [
            (system_id, pdu)
            for system_id, pdu, _ in self.smsc.submitted
            if pdu.destination_addr.lstrip(b"+") == recipient[1:].encode()
        ]

    def test_what_is_posted_arrives_as_written_and_becomes_delivered(self):
        sent = {}
        for carrier, (kind, text) in itertools.product(CARRIERS, TEXTS.items()):
            recipient = f"{self.prefixes[carrier]}{len(sent):03}"
            sent[recipient] = (carrier, kind, text, self.client.send(recipient, text))
        for recipient, (carrier, kind, text, message) in sent.items():
            with self.subTest(carrier=carrier, text=kind):
                self.wait_for(f"{kind} over {carrier}", lambda: self.client.status(message) == "delivered")
                self.assert_arrived(carrier, text, self.submitted_to(recipient))
        self.assertEqual(self.smsc.failures, [])
        self.assert_receipts_were_answered()

    def assert_arrived(self, carrier, text, submitted):
        self.assertEqual({system_id for system_id, _ in submitted}, {carrier})
        pdus = [pdu for _, pdu in submitted]
        parts = sorted((text_of(carrier, pdu) for pdu in pdus), key=lambda part: part[1][3] or 0 if part[1] else 0)
        self.assertEqual("".join(part for part, _ in parts), text)
        self.assert_held_together(carrier, [held for _, held in parts])
        for pdu in pdus:
            self.assert_addresses(carrier, pdu)
            self.assertEqual(
                (pdu.registered_delivery, pdu.protocol_id, pdu.priority_flag, pdu.replace_if_present_flag), (1, 0, 0, 0)
            )
            self.assertRegex(pdu.validity_period, rb"^\d{15}R$")
            self.assertLessEqual(
                len(pdu.short_message or b""), 160 if carrier != "packed" and pdu.data_coding == 0 else 140
            )
            self.assertEqual(pdu.data_coding, data_coding(carrier, text))

    def assert_held_together(self, carrier, held):
        if len(held) == 1:
            self.assertIn(held[0], [None, ("payload", None, None, None)])
            return
        method = carrier if carrier in ("udh8", "udh16", "sar") else "udh8"
        self.assertEqual({part[0] for part in held}, {method})
        self.assertEqual(len({part[1] for part in held}), 1)
        self.assertEqual([part[2:] for part in held], [(len(held), number + 1) for number in range(len(held))])

    def assert_addresses(self, carrier, pdu):
        originator = (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr)
        recipient = (pdu.dest_addr_ton, pdu.dest_addr_npi)
        if carrier == "ucs2":
            self.assertEqual((originator, recipient), ((5, 0, NUMBER.encode()), (2, 8)))
            self.assertTrue(pdu.destination_addr.startswith(b"+180055"))
        else:
            self.assertEqual((originator, recipient), ((1, 1, NUMBER[1:].encode()), (1, 1)))

    def assert_receipts_were_answered(self):
        self.wait_for("an answer to every receipt", lambda: len(self.smsc.answered) == len(self.smsc.submitted))
        for offered, answer in self.smsc.answered:
            self.assertEqual((answer.command, answer.status), (f"{offered}_resp", 0))
            # SMPP 3.4, 4.6.2: the field is there, and empty.
            self.assertEqual((answer.length, answer.message_id), (17, b""))

    def test_each_kind_of_sender_leaves_as_what_it_is_octet_by_octet(self):
        self.client.provide(*(sender for sender in SENDERS if sender != NUMBER))
        sent = {}
        for carrier, sender in itertools.product(["udh8", *WANTED], SENDERS):
            recipient = f"{self.prefixes[carrier]}{len(sent):03}"
            sent[recipient] = (carrier, sender, self.client.send(recipient, "hello", sender))
        for recipient, (carrier, sender, message) in sent.items():
            wanted = {**SENDERS, **(WANTED[carrier][1] if carrier in WANTED else {})}[sender]
            with self.subTest(carrier=carrier, sender=sender):
                end = "delivered" if wanted else "failed"
                self.wait_for(f"the end of {sender} over {carrier}", lambda: self.client.status(message) == end)
                submitted = [pdu for _, pdu in self.submitted_to(recipient)]
                self.assertEqual(len(submitted), 1 if wanted else 0)
                if wanted:
                    ton, npi, octets = wanted
                    (pdu,) = submitted
                    self.assertEqual((pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr), wanted)
                    # Behind the header of 16 octets: the service type, empty, and the source (SMPP 3.4, 4.4.1).
                    source = bytes([0, ton, npi]) + octets + b"\0"
                    self.assertEqual(pdu.octets[16 : 16 + len(source)], source)
        self.assertEqual(self.smsc.failures, [])

    def test_a_receipt_of_failure_makes_a_message_undelivered(self):
        for carrier, prefix in self.prefixes.items():
            with self.subTest(carrier=carrier):
                message = self.client.send(f"{prefix}{UNREACHABLE}", "hello")
                self.wait_for(f"the failure over {carrier}", lambda: self.client.status(message) == "undelivered")

    def test_a_session_is_bound_kept_and_ended_as_smpp_says(self):
        self.assertEqual({bind.system_id.decode() for bind in self.smsc.binds}, {*CARRIERS, *WANTED, "harness"})
        self.assertEqual({bind.interface_version for bind in self.smsc.binds}, {0x34})
        sessions = len(self.smsc.binds)
        self.wait_for("an answer to each enquire_link", lambda: self.smsc.enquiries_answered == sessions)
        self.assertEqual(self.client.end(), 0)
        self.wait_for("an unbind of each session", lambda: self.smsc.unbinds == sessions)
        self.assertEqual(self.smsc.failures, [])


if __name__ == "__main__":
    unittest.main()
