"""smpplib, an SMPP library of other people, as a client of the simulated SMSC: what it encodes is understood, and it
understands the answers."""

import re
import unittest

import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm
import smpplib.smpp

import gsm
from support import PATIENCE, Case

ORIGINATOR, RECIPIENT = "18005550100", "18005551000"
RECEIPT = re.compile(rb"id:(\S+) sub:001 dlvrd:001 submit date:\d{10} done date:\d{10} stat:DELIVRD err:000 text:")
DELIVERED = 2


class PythonClient(Case):
    def bind(self, smsc, kind="transceiver", password="secret"):
        client = smpplib.client.Client("127.0.0.1", smsc.port, timeout=PATIENCE, allow_unknown_opt_params=False)
        client.connect()
        self.addCleanup(client.disconnect)
        answer = getattr(client, f"bind_{kind}")(system_id="python", password=password)
        self.assertEqual(
            (answer.command, answer.system_id, answer.sc_interface_version), (f"bind_{kind}_resp", b"simulator", 0x34)
        )
        return client

    def submit(self, client, octets, data_coding=0, esm_class=0, registered_delivery=0, **parameters):
        return client.send_message(
            source_addr_ton=1,
            source_addr_npi=1,
            source_addr=ORIGINATOR,
            dest_addr_ton=1,
            dest_addr_npi=1,
            destination_addr=RECIPIENT,
            short_message=octets,
            data_coding=data_coding,
            esm_class=esm_class,
            registered_delivery=registered_delivery,
            **parameters,
        )

    def acknowledged(self, client, submitted):
        answer = client.read_pdu()
        self.assertEqual((answer.command, answer.status, answer.sequence), ("submit_sm_resp", 0, submitted.sequence))
        return answer.message_id

    def send(self, client, text, data_coding=smpplib.consts.SMPP_ENCODING_DEFAULT):
        """Sends a text in as many parts as smpplib makes of it."""
        parts, data_coding, esm_class = smpplib.gsm.make_parts(text, data_coding)
        for part in parts:
            self.acknowledged(client, self.submit(client, part, data_coding, esm_class))
        return len(parts)

    def test_every_character_of_the_gsm_alphabet_arrives_as_written(self):
        smsc = self.smsc()
        client = self.bind(smsc)
        self.acknowledged(client, self.submit(client, gsm.encode(gsm.EVERY_CHARACTER)))
        self.send(client, "Grüße: 10 € [ok] {~|^}\\ @ ÆØÅ")
        self.assertEqual(
            [line["text"] for line in smsc.seen()], [gsm.EVERY_CHARACTER, "Grüße: 10 € [ok] {~|^}\\ @ ÆØÅ"]
        )
        self.assertEqual(
            {(line["source"], line["destination"], line["data_coding"]) for line in smsc.seen()},
            {(ORIGINATOR, RECIPIENT, 0)},
        )

    def test_a_text_in_ucs2_arrives_as_written(self):
        smsc = self.smsc()
        text = "Привет, 世界 — 👋🏽 \u200d ﷽"
        self.send(self.bind(smsc), text, smpplib.consts.SMPP_ENCODING_ISO10646)
        self.assertEqual(
            [(line["text"], line["data_coding"], line["octets"]) for line in smsc.seen()],
            [(text, 8, len(text.encode("utf-16-be")))],
        )

    def test_the_parts_of_a_long_text_are_held_together_by_their_headers(self):
        smsc = self.smsc()
        client = self.bind(smsc)
        for text, parts in [
            ("Ten words that say nothing at all, over and over. " * 8, 3),
            ("Длинный текст в кодировке UCS-2. " * 5, 3),
        ]:
            with self.subTest(text=text[:10]):
                before = len(smsc.seen())
                self.assertEqual(self.send(client, text), parts)
                lines = smsc.seen()[before:]
                self.assertEqual("".join(line["text"] for line in lines), text)
                self.assertEqual(
                    [(line["segment"]["number"], line["segment"]["total"]) for line in lines], [(1, 3), (2, 3), (3, 3)]
                )
                self.assertEqual(len({line["segment"]["reference"] for line in lines}), 1)

    def test_a_text_in_a_parameter_arrives_as_written(self):
        smsc = self.smsc()
        client = self.bind(smsc)
        text = "A payload has room for a text that is longer than 140 octets. " * 4
        self.acknowledged(client, self.submit(client, None, message_payload=gsm.encode(text)))
        self.assertEqual([line["text"] for line in smsc.seen()], [text])

    def test_every_form_of_receipt_is_understood(self):
        # Whether the text is in the message, in the payload, and whether the parameters are there.
        forms = {
            "text": (True, False, False),
            "tlv": (False, False, True),
            "both": (True, False, True),
            "payload": (False, True, False),
            "data-sm": (False, True, False),
        }
        for form, (in_message, in_payload, has_parameters) in forms.items():
            with self.subTest(form=form):
                client = self.bind(self.smsc("--receipt-format", form, "--id-format", "uuid", name=form))
                message_id = self.acknowledged(client, self.submit(client, b"hello", registered_delivery=1))
                receipt = client.read_pdu()
                self.assertEqual(receipt.command, "data_sm" if form == "data-sm" else "deliver_sm")
                self.assertEqual(
                    (receipt.source_addr, receipt.destination_addr), (RECIPIENT.encode(), ORIGINATOR.encode())
                )
                self.assertEqual(receipt.esm_class, 4)
                text = receipt.short_message if in_message else receipt.message_payload if in_payload else None
                if text is not None:
                    self.assertEqual(RECEIPT.match(text).group(1), message_id)
                if has_parameters:
                    self.assertEqual((receipt.receipted_message_id, receipt.message_state), (message_id, DELIVERED))
                self.answer(client, receipt)

    def answer(self, client, receipt):
        answer = smpplib.smpp.make_pdu(f"{receipt.command}_resp", client=client)
        answer.sequence = receipt.sequence
        client.send_pdu(answer)

    def test_receipts_come_to_a_receiver_for_what_a_transmitter_sent(self):
        smsc = self.smsc()
        receiver, transmitter = self.bind(smsc, "receiver"), self.bind(smsc, "transmitter")
        message_id = self.acknowledged(transmitter, self.submit(transmitter, b"hello", registered_delivery=1))
        receipt = receiver.read_pdu()
        self.assertEqual(receipt.receipted_message_id, message_id)
        self.answer(receiver, receipt)
        # The unbind comes after the answer, so that the answer has been counted when it is answered.
        self.assertEqual(receiver.unbind().command, "unbind_resp")
        summary = smsc.summary()
        self.assertEqual((summary["receiptsSent"], summary["receiptsTaken"], summary["malformed"]), (1, 1, 0))

    def test_nothing_breaks_when_octets_come_one_at_a_time(self):
        client = self.bind(self.smsc("--one-octet-writes"))
        message_id = self.acknowledged(client, self.submit(client, b"hello", registered_delivery=1))
        self.assertEqual(client.read_pdu().receipted_message_id, message_id)

    def test_a_link_is_enquired_and_an_unbind_ends_it(self):
        client = self.bind(self.smsc())
        enquiry = smpplib.smpp.make_pdu("enquire_link", client=client)
        client.send_pdu(enquiry)
        answer = client.read_pdu()
        self.assertEqual((answer.command, answer.status, answer.sequence), ("enquire_link_resp", 0, enquiry.sequence))
        answer = client.unbind()
        self.assertEqual((answer.command, answer.status), ("unbind_resp", 0))
        with self.assertRaises(smpplib.exceptions.ConnectionError):
            client.read_pdu()

    def test_refusals_bear_the_status_that_says_why(self):
        smsc = self.smsc("--system-id", "python", "--password", "secret", "--reject", "1=ESME_RINVDSTADR")
        with self.assertRaises(smpplib.exceptions.PDUError) as refused:
            self.bind(smsc, password="wrong")
        self.assertEqual(refused.exception.args[1], smpplib.consts.SMPP_ESME_RINVPASWD)
        client = self.bind(smsc)
        self.submit(client, b"hello")
        answer = client.read_pdu()
        self.assertEqual((answer.command, answer.status), ("submit_sm_resp", smpplib.consts.SMPP_ESME_RINVDSTADR))
        client.query_message(message_id="1", source_addr_ton=1, source_addr_npi=1, source_addr=ORIGINATOR)
        answer = client.read_pdu()
        self.assertEqual((answer.command, answer.status), ("generic_nack", smpplib.consts.SMPP_ESME_RINVCMDID))


if __name__ == "__main__":
    unittest.main()
