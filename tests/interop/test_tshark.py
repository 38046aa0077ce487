"""tshark reads what we and our simulated SMSC say to each other: every PDU whole, none of them to complain about, every
field where it belongs."""

import collections
import subprocess
import unittest

from capture import Relay
from support import NAME, NUMBER, SHORT_CODE, Case, Client

# Ways to send that differ on the wire, each to numbers with a digit of its own.
CARRIERS = {
    "udh8": 'split = "udh8"',
    "udh16": 'split = "udh16"\ninterface_version = "5.0"',
    "sar": 'split = "sar"\nmore_messages_to_send = true',
    "payload": 'split = "payload"',
    "ucs2": 'alphabet = "ucs2"\nbind = "tx_rx"',
    "extra": 'tlvs = { "0x1400" = "entity" }',
}

BIND_TRANSMITTER, BIND_RECEIVER, SUBMIT_SM, DELIVER_SM, UNBIND, BIND_TRANSCEIVER, ENQUIRE_LINK, RESPONSE = (
    2,
    1,
    4,
    5,
    6,
    9,
    0x15,
    0x80000000,
)


class Tshark(Case):
    def read(self, capture, *options):
        command = [
            "tshark",
            "-r",
            capture,
            "-d",
            "tcp.port==2775,smpp",
            "-o",
            "tcp.desegment_tcp_streams:TRUE",
            "-o",
            "tcp.check_checksum:TRUE",
            *options,
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def test_every_pdu_is_whole_and_understood(self):
        smsc = self.smsc("--receipt-format", "both")
        capture = self.path("capture.pcap")
        relay = Relay(capture, smsc.port)
        self.addCleanup(relay.close)
        carriers = {
            name: (f"+1800555{digit}", relay.port, lines) for digit, (name, lines) in enumerate(CARRIERS.items())
        }
        client = Client(self.directory, relay.port, carriers)
        self.wait_for("every bind", client.is_bound)
        client.provide(SHORT_CODE, NAME)
        senders = {
            NUMBER: ("0x01", "0x01", NUMBER[1:]),
            SHORT_CODE: ("0x03", "0x00", SHORT_CODE),
            NAME: ("0x05", "0x00", NAME),
        }
        texts = ["Your code is 482910", "Grüße [{€}] " * 30]
        messages = [
            client.send(f"{prefix}{number:03}", text, sender)
            for prefix, _, _ in carriers.values()
            for number, text in enumerate(texts)
            for sender in senders
        ]
        self.wait_for("the receipts", lambda: all(client.status(message) == "delivered" for message in messages))
        self.assertEqual(client.end(), 0)
        relay.close()
        seen = smsc.summary()

        complaints = self.read(
            capture,
            "-Y",
            '_ws.malformed or _ws.expert.group == "Protocol" or _ws.expert.severity >= "Error" or (tcp and not smpp)',
        )
        self.assertEqual(complaints, "")
        names = ["command_id", "command_status", "source_addr", "source_addr_ton", "source_addr_npi"]
        fields = [f"smpp.{name}" for name in names]
        listed = self.read(
            capture,
            "-Y",
            "smpp",
            "-T",
            "fields",
            "-E",
            "aggregator=,",
            *(part for field in fields for part in ("-e", field)),
        )
        rows = [line.split("\t") for line in listed.splitlines()]
        commands = collections.Counter(int(command, 16) for row in rows for command in row[0].split(","))
        submits = len(smsc_submits := smsc.seen())
        self.assertGreater(submits, len(messages))
        for request, times in [
            (SUBMIT_SM, submits),
            (DELIVER_SM, seen["receiptsSent"]),
            (BIND_TRANSCEIVER, len(CARRIERS)),
            (BIND_TRANSMITTER, 1),
            (BIND_RECEIVER, 1),
        ]:
            self.assertEqual((commands[request], commands[request | RESPONSE]), (times, times), hex(request))
        self.assertEqual(commands[UNBIND], commands[UNBIND | RESPONSE])
        self.assertEqual({status for row in rows for status in row[1].split(",") if status}, {"0x00000000"})
        sources = {
            source
            for row in rows
            if int(row[0].split(",")[0], 16) == SUBMIT_SM
            for source in zip(row[3].split(","), row[4].split(","), row[2].split(","))
        }
        self.assertEqual(sources, set(senders.values()))
        self.assertEqual(
            len(smsc_submits), sum(1 for row in rows for command in row[0].split(",") if int(command, 16) == SUBMIT_SM)
        )


if __name__ == "__main__":
    unittest.main()
