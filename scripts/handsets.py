"""An SMSC whose handsets write: it brings texts whole and in parts, resends what was not answered before the session
ended, as SMSCs do, and remembers in which order everything came. Written with sockets alone, because the scripts need
no package."""

import collections
import itertools
import random
import socket
import struct
import threading

ENQUIRE_LINK, SUBMIT_SM, DELIVER_SM, UNBIND, BIND_TRANSCEIVER = 0x15, 0x04, 0x05, 0x06, 0x09
RESPONSE = 0x80000000

# How many deliveries are unanswered at most.
WINDOW = 20


def pdu(command, sequence, body=b"", status=0):
    return struct.pack(">LLLL", 16 + len(body), command, status, sequence) + body


def c_string(text):
    return text.encode("ascii") + b"\0"


class Delivery:
    """A deliver_sm of a handset, which is brought until it is answered with ESME_ROK."""

    def __init__(self, handset, number, octets, esm_class=0, then=None):
        self.handset, self.number, self.octets, self.esm_class, self.then = handset, number, octets, esm_class, then
        self.answered = False

    def body(self):
        addresses = b"\1\1" + c_string(self.handset.lstrip("+")) + b"\1\1" + c_string(self.number.lstrip("+"))
        fields = bytes([self.esm_class, 0, 0]) + b"\0\0" + bytes([0, 0, 0, 0])
        return b"\0" + addresses + fields + bytes([len(self.octets)]) + self.octets


def in_parts(handset, number, text, reference):
    """The parts of a text, with a reference of 8 bits."""
    octets = text.encode("ascii")
    parts = [octets[at : at + 60] for at in range(0, len(octets), 60)]
    headers = [bytes([5, 0, 3, reference & 0xFF, len(parts), place]) for place in range(1, len(parts) + 1)]
    return [Delivery(handset, number, header + part, 0x40) for header, part in zip(headers, parts)]


class HandsetSmsc:
    """`deliver` queues deliveries. `log` has what came from the server, in order: ("submit", recipient, text) and
    ("answered", delivery)."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Condition()
        self.queue = collections.deque()
        self.log = []
        self.again = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def deliver(self, deliveries):
        with self.lock:
            self.queue.extend(deliveries)
            self.lock.notify_all()

    def waiting(self):
        with self.lock:
            return len(self.queue)

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        """One session. What it has not seen answered when it ends is queued again, in another order."""
        unanswered, ended = {}, threading.Event()
        try:
            stream = connection.makefile("rb")
            while head := stream.read(16):
                length, command, status, sequence = struct.unpack(">LLLL", head)
                body = stream.read(length - 16)
                if command == BIND_TRANSCEIVER:
                    connection.sendall(pdu(command | RESPONSE, sequence, c_string("handsets")))
                    threading.Thread(
                        target=self.bring, args=(connection, unanswered, ended), daemon=True
                    ).start()
                elif command == SUBMIT_SM:
                    self.submitted(body)
                    connection.sendall(pdu(command | RESPONSE, sequence, c_string(f"{len(self.log):x}")))
                elif command == DELIVER_SM | RESPONSE:
                    self.answered(unanswered, sequence, status)
                elif command in (ENQUIRE_LINK, UNBIND):
                    connection.sendall(pdu(command | RESPONSE, sequence))
        except (OSError, struct.error, ValueError):
            pass
        finally:
            ended.set()
            with self.lock:
                left = list(unanswered.values())
                unanswered.clear()
                random.shuffle(left)
                self.again += len(left)
                self.queue.extendleft(left)
                self.lock.notify_all()
            connection.close()

    def bring(self, connection, unanswered, ended):
        for sequence in itertools.count(1):
            with self.lock:
                self.lock.wait_for(lambda: ended.is_set() or self.queue and len(unanswered) < WINDOW)
                if ended.is_set():
                    return
                delivery = self.queue.popleft()
                unanswered[sequence] = delivery
            try:
                connection.sendall(pdu(DELIVER_SM, sequence, delivery.body()))
            except OSError:
                return

    def answered(self, unanswered, sequence, status):
        with self.lock:
            delivery = unanswered.pop(sequence, None)
            if delivery is None:
                return
            if status == 0:
                delivery.answered = True
                self.log.append(("answered", delivery))
            else:
                self.queue.append(delivery)
                self.again += 1
            self.lock.notify_all()

    def submitted(self, body):
        _, rest = body.split(b"\0", 1)
        _, rest = rest[2:].split(b"\0", 1)
        recipient, rest = rest[2:].split(b"\0", 1)
        # esm_class, protocol_id, priority; two times; registered_delivery to sm_default_msg_id.
        rest = rest[3:].split(b"\0", 2)[2]
        length = rest[4]
        with self.lock:
            self.log.append(("submit", "+" + recipient.decode(), rest[5 : 5 + length].decode("latin-1")))
