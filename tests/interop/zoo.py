"""Endpoints that misbehave, each in a way of its own: a zoo in one thread."""

import asyncio
import datetime
import email.utils
import ssl
import threading

OK = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
REFUSED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def slow_head(reader, writer):
    """Takes half a minute for the first line of its response."""
    await asyncio.sleep(30)
    writer.write(OK)


async def drip(_reader, writer):
    """Sends one octet of its body a second."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3600\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(1)


async def endless(_reader, writer):
    """Sends a body without end, as fast as it can."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        await writer.drain()


async def silent(_reader, _writer):
    """Reads nothing and says nothing."""
    await asyncio.sleep(3_600)


async def reset(_reader, writer):
    """Resets the connection."""
    writer.transport.abort()


async def redirect(_reader, writer):
    """Points to the address under which clouds give out credentials."""
    to = b"http://169.254.169.254/latest/meta-data/"
    writer.write(b"HTTP/1.1 301 Moved\r\nLocation: " + to + b"\r\nContent-Length: 0\r\n\r\n")


async def busy(_reader, writer):
    """Asks for ten seconds, as a date."""
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=10)
    date = email.utils.format_datetime(at, usegmt=True).encode()
    writer.write(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: " + date + b"\r\nContent-Length: 0\r\n\r\n")


async def gone(_reader, writer):
    """Is gone."""
    writer.write(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")


async def garbled(_reader, writer):
    """Takes the event, with headers that have octets which no header may have."""
    writer.write(b"HTTP/1.1 204 No Content\r\nX-Odd: caf\xe9 \xff\xfe\r\nX Bad Name: 1\r\nConnection: close\r\n\r\n")


async def old_ciphers(_reader, writer):
    """Speaks TLS 1.2 with cipher suites of CBC alone, so that nothing of ours gets here."""
    writer.write(OK)


# Of TLS 1.2, each with CBC.
CBC = "ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA:AES128-SHA256:AES128-SHA"

ANIMALS = [slow_head, drip, endless, silent, reset, redirect, busy, gone, garbled]


class Zoo:
    """`visits` has how many requests each animal got; `urls` where it is."""

    def __init__(self, certificate):
        self.visits, self.urls, self.servers = {}, {}, []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        for animal in ANIMALS:
            self.urls[animal.__name__] = self.open(animal, "http")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        self.urls["wrong_certificate"] = self.open(garbled, "https", context, "wrong_certificate")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(CBC)
        self.urls["old_ciphers"] = self.open(old_ciphers, "https", context)

    def open(self, animal, scheme, context=None, name=None):
        """Opens a cage. Its URL."""
        name = name or animal.__name__
        self.visits[name] = 0

        async def visit(reader, writer):
            try:
                await reader.readuntil(b"\r\n\r\n")
                self.visits[name] += 1
                await animal(reader, writer)
                await writer.drain()
            except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                # A visitor that has left, or the end of the zoo.
                pass
            finally:
                writer.close()

        starting = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(visit, "127.0.0.1", 0, ssl=context), self.loop
        )
        self.servers.append(starting.result(20))
        port = self.servers[-1].sockets[0].getsockname()[1]
        return f"{scheme}://127.0.0.1:{port}/hook"

    def close(self):
        async def end():
            for server in self.servers:
                server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(20)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)
        self.loop.close()
