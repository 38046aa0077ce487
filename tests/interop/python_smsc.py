"""A small SMSC made of smpplib's reading and writing of PDUs. It takes what clients submit, and reports every message
as a test wants it."""

import socket
import struct
import threading
import time

import smpplib.consts
import smpplib.smpp

DELIVERED, UNDELIVERABLE = 2, 5


class Peer:
    """What smpplib asks of whoever a PDU belongs to: sequence numbers."""

    sequence = 0

    def next_sequence(self):
        self.sequence += 1
        return self.sequence


class PythonSmsc:
    """`receipt` makes the PDU of a receipt: it gets `make` (a PDU by its command and fields), the submit_sm, the number
    of its id, and whether it was delivered. `id_text` writes the id of an acknowledgement."""

    def __init__(self, receipt, id_text, is_delivered):
        self.receipt, self.id_text, self.is_delivered = receipt, id_text, is_delivered
        self.binds, self.submitted, self.answered, self.failures = [], [], [], []
        self.sessions = {}
        self.enquiries_answered = self.unbinds = 0
        self.next_id = 0xABC001
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = []
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        for end in [self.listener, *self.connections]:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        session = Session(self, connection)
        try:
            session.run()
        except OSError:
            pass
        except Exception as error:  # Whatever smpplib cannot read is what the tests look for.
            self.failures.append(repr(error))
        finally:
            session.stream.close()
            connection.close()

    def take_id(self):
        with self.lock:
            self.next_id += 1
            return self.next_id


class Session:
    """One connection. Every PDU goes through smpplib, in both directions; parameters that it does not know are
    errors."""

    def __init__(self, smsc, connection):
        self.smsc, self.connection, self.peer, self.system_id = smsc, connection, Peer(), None
        self.stream = connection.makefile("rb")
        self.offered = {}

    def run(self):
        while True:
            head = self.stream.read(4)
            if len(head) < 4:
                return
            octets = head + self.stream.read(struct.unpack(">L", head)[0] - 4)
            pdu = smpplib.smpp.parse_pdu(octets, client=self.peer, allow_unknown_opt_params=False)
            pdu.octets = octets
            getattr(self, f"take_{pdu.command}")(pdu)
            if pdu.command == "unbind":
                return

    def make(self, command, **fields):
        # With a status of its own smpplib takes no other.
        return smpplib.smpp.make_pdu(command, client=self.peer, status=smpplib.consts.SMPP_ESME_ROK, **fields)

    def send(self, pdu):
        self.connection.sendall(pdu.generate())

    def answer(self, pdu, **fields):
        answer = self.make(f"{pdu.command}_resp", **fields)
        # smpplib takes a sequence number as an attribute only; as an argument it is passed over.
        answer.sequence = pdu.sequence
        self.send(answer)

    def take_bind_transceiver(self, pdu):
        self.system_id = pdu.system_id.decode()
        self.smsc.binds.append(pdu)
        self.answer(pdu, system_id="python")
        self.smsc.sessions[self.system_id] = self
        self.send(self.make("enquire_link"))

    def deliver(self, command, **fields):
        """Offers a message of a handset."""
        pdu = self.make(command, **fields)
        self.offered[pdu.sequence] = pdu.command
        self.send(pdu)

    def take_submit_sm(self, pdu):
        number = self.smsc.take_id()
        self.smsc.submitted.append((self.system_id, pdu, time.monotonic()))
        self.answer(pdu, message_id=self.smsc.id_text(self.system_id, number))
        if pdu.registered_delivery & smpplib.consts.SMPP_SMSC_DELIVERY_RECEIPT_BITMASK:
            receipt = self.smsc.receipt(self.system_id, self.make, pdu, number, self.smsc.is_delivered(pdu))
            self.offered[receipt.sequence] = receipt.command
            self.send(receipt)

    def take_deliver_sm_resp(self, pdu):
        self.smsc.answered.append((self.offered.pop(pdu.sequence), pdu))

    take_data_sm_resp = take_deliver_sm_resp

    def take_enquire_link(self, pdu):
        self.answer(pdu)

    def take_enquire_link_resp(self, _pdu):
        self.smsc.enquiries_answered += 1

    def take_unbind(self, pdu):
        self.answer(pdu)
        self.smsc.unbinds += 1
