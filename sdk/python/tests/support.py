"""The server that the tests talk to (`scripts/interfaces` starts it), and one that answers as it is told."""

import http.server
import os
import queue
import threading

URL = os.environ["SMSFACTORY_URL"]
KEY = (os.environ["SMSFACTORY_KEY_ID"], os.environ["SMSFACTORY_KEY_SECRET"])
FROM = os.environ["SMSFACTORY_FROM"]


class Scripted:
    """A server on loopback that answers as told, and keeps what it was asked."""

    def __init__(self, *answers):
        self.asked = queue.Queue()
        remaining = list(answers)
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("content-length", 0))
                asked.put((self.command, self.path, dict(self.headers), self.rfile.read(length)))
                status, headers, body = remaining.pop(0) if len(remaining) > 1 else remaining[0]
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
