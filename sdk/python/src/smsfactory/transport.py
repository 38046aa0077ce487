"""One request over HTTP, and the waits between its repeats."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .errors import ConnectionFailed, api_error

#: Statuses after which the same request may succeed.
_LATER = (429, 503)


@dataclass(frozen=True)
class Answer:
    """An answer that is no error."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, read as JSON; `None` where it is empty."""
        return json.loads(self.body) if self.body else None


class Transport:
    """Sends requests to one server, each thread over a connection of its own, which is kept."""

    def __init__(
        self,
        base_url: str,
        key_id: str,
        secret: str,
        *,
        timeout: float,
        retries: int,
        max_wait: float,
        sleep: Callable[[float], None] = time.sleep,
        context: ssl.SSLContext | None = None,
    ):
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"base_url must begin with http:// or https://, and is {base_url!r}")
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        credentials = base64.b64encode(f"{key_id}:{secret}".encode()).decode()
        self._authorization = f"Basic {credentials}"
        self._timeout, self._retries, self._max_wait = timeout, retries, max_wait
        self._sleep, self._context = sleep, context
        self._kept = threading.local()
        self._connections: set[http.client.HTTPConnection] = set()

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes | None, *, repeats: bool) -> Answer:
        """Sends a request, and again where the server says when, or where the connection broke and `repeats` is true.

        Raises ApiError or ConnectionFailed when there is no use in another attempt.
        """
        for attempt in range(self._retries + 1):
            is_last = attempt == self._retries
            try:
                answer = self._once(method, path, headers, body)
            except (OSError, http.client.HTTPException) as error:
                self._drop()
                if is_last or not repeats:
                    raise ConnectionFailed(f"{method} {path}: {error!r}") from error
                self._sleep(min(0.5 * 2**attempt, self._max_wait))
                continue
            if answer.status < 400:
                return answer
            wait = _retry_after(answer)
            if answer.status in _LATER and not is_last and wait is not None and wait <= self._max_wait:
                self._sleep(wait)
                continue
            raise api_error(answer.status, _error(answer), wait)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
        connection = getattr(self._kept, "connection", None)
        if connection is None:
            connection = self._kept.connection = self._connect()
        connection.request(method, self._prefix + path, body, {"Authorization": self._authorization, **headers})
        response = connection.getresponse()
        content = response.read()
        if response.will_close:
            self._drop()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)

    def _connect(self) -> http.client.HTTPConnection:
        if self._secure:
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout, context=self._context
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        self._connections.add(connection)
        return connection

    def _drop(self) -> None:
        """Closes the connection of this thread; the next request opens another one."""
        connection = getattr(self._kept, "connection", None)
        if connection is not None:
            connection.close()
            self._connections.discard(connection)
            self._kept.connection = None

    def close(self) -> None:
        """Closes the connections of all threads. No request may be under way."""
        for connection in list(self._connections):
            connection.close()


def _retry_after(answer: Answer) -> int | None:
    text = answer.headers.get("retry-after", "")
    return int(text) if text.isdecimal() else None


def _error(answer: Answer) -> dict[str, Any]:
    """The error in an answer. A proxy between client and server may answer in another form."""
    try:
        error = answer.json()
    except ValueError:
        error = None
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        return error
    return {"message": f"HTTP status {answer.status}, without the form of an smsfactory error"}

