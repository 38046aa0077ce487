"""A TCP relay that keeps what passes as a capture that network tools read. It needs no rights that a test does not
have."""

import socket
import struct
import threading
import time

# Addresses and ports in the capture: what tells the two ends apart there.
CLIENT, SERVER = ("192.0.2.1", 50000), ("192.0.2.2", 2775)

# libpcap's file format: linktype 101 is bare IP.
LINKTYPE_RAW = 101
TCP = 6
PUSH_ACK = 0x18


class Relay:
    """Listens on `port`, and passes each connection on to another port of this machine. Its packets are in the file at
    `path`."""

    def __init__(self, path, to_port):
        self.to_port, self.lock, self.next_port, self.ends = to_port, threading.Lock(), CLIENT[1], []
        self.file = open(path, "wb", buffering=0)
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINKTYPE_RAW))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        for end in [self.listener, *self.ends]:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
        with self.lock:
            self.file.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.to_port))
            self.ends += [client, server]
            self.next_port += 1
            stream = Stream(self, (CLIENT[0], self.next_port))
            threading.Thread(target=stream.pump, args=(client, server, 0), daemon=True).start()
            threading.Thread(target=stream.pump, args=(server, client, 1), daemon=True).start()

    def keep(self, packet):
        now = time.time()
        with self.lock:
            if not self.file.closed:
                self.file.write(struct.pack("<IIII", int(now), int(now % 1 * 1e6), len(packet), len(packet)) + packet)


class Stream:
    """One connection, with where each direction stands in its sequence."""

    def __init__(self, relay, client):
        self.relay, self.ends, self.sent, self.lock = relay, (client, SERVER), [1, 1], threading.Lock()

    def pump(self, source, target, direction):
        try:
            while octets := source.recv(16384):
                with self.lock:
                    self.relay.keep(self.packet(octets, direction))
                    self.sent[direction] += len(octets)
                target.sendall(octets)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def packet(self, octets, direction):
        (source, source_port), (target, target_port) = self.ends[direction], self.ends[1 - direction]
        place, seen = self.sent[direction], self.sent[1 - direction]
        addresses = socket.inet_aton(source) + socket.inet_aton(target)
        tcp = [source_port, target_port, place, seen, 5 << 4, PUSH_ACK, 65535, 0, 0]
        pseudo = addresses + struct.pack(">BBH", 0, TCP, 20 + len(octets))
        tcp[7] = checksum(pseudo + struct.pack(">HHIIBBHHH", *tcp) + octets)
        ip = [0x45, 0, 40 + len(octets), 0, 0, 64, TCP, 0]
        ip[7] = checksum(struct.pack(">BBHHHBBH", *ip) + addresses)
        return struct.pack(">BBHHHBBH", *ip) + addresses + struct.pack(">HHIIBBHHH", *tcp) + octets


def checksum(octets):
    """RFC 1071."""
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
