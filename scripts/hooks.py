"""A receiver of webhooks that keeps what comes, in order, and now and then fails. Written with the standard library
alone, because the scripts need no package."""

import http.server
import json
import random
import threading


class Receiver:
    """`arrived` has the body of each request in the order in which they came, whatever it was answered. It fails so
    many events, each of them once: a second failure is tried again after minutes."""

    def __init__(self, failing=0.0, seed=1):
        self.arrived, self.failed, self.lock = [], set(), threading.Lock()
        chance, receiver = random.Random(seed), self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver.lock:
                    name = self.headers["webhook-id"]
                    receiver.arrived.append((name, body))
                    fails = name not in receiver.failed and chance.random() < failing
                    receiver.failed.update([name] if fails else [])
                    status = 503 if fails else 204
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                # A server that is killed leaves its connections.
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def count(self):
        with self.lock:
            return len({name for name, _ in self.arrived})

    def events(self):
        """What came: (id, body, event), in order."""
        with self.lock:
            return [(name, body, json.loads(body)) for name, body in self.arrived]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
